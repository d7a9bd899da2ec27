"""Fields against their closed forms, a touch receptor against its own, and fields read off spikes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d

from redes_jax.neurons import receptive
from redes_jax.process import iterate

RETINA = receptive.DifferenceOfGaussians(center=1.5, surround=4.0, center_gain=1.0, surround_gain=0.12)
CORTEX = receptive.Gabor(width=2.5, frequency=0.15, orientation=0.6, phase=0.8, aspect=0.7)


def test_constant_image_gives_the_dc_gain():
    field = RETINA(*receptive.grid(31))
    gain = np.pi * (1.5**2 - 0.12 * 4.0**2)
    np.testing.assert_allclose(receptive.respond(2.0 * jnp.ones((40, 50)), field), 2 * gain, rtol=1e-4)
    assert float(RETINA.grating(0.0)) == pytest.approx(gain, rel=1e-6)


def test_respond_is_correlation(key):
    image, field = jax.random.normal(key, (12, 15)), jax.random.normal(jax.random.fold_in(key, 1), (5, 5))
    ours = receptive.respond(image, field)
    assert ours.shape == image.shape
    np.testing.assert_allclose(ours[2:-2, 2:-2], correlate2d(image, field, "valid"), atol=1e-4)


def grating_response(field, frequency, orientation):
    """The largest response over phases to a grating, by summation."""
    x, y = receptive.grid(41)
    wave = 2 * jnp.pi * frequency * (x * jnp.cos(orientation) + y * jnp.sin(orientation))
    return float(jnp.hypot(jnp.sum(field(x, y) * jnp.cos(wave)), jnp.sum(field(x, y) * jnp.sin(wave))))


def test_gratings_against_the_fourier_transform():
    for frequency in (0.05, 0.12, 0.2):
        assert grating_response(RETINA, frequency, 0.3) == pytest.approx(
            abs(float(RETINA.grating(frequency))), rel=1e-3
        )
        for orientation in (0.2, 0.6, 1.1):
            expected = float(CORTEX.grating(frequency, orientation))
            assert grating_response(CORTEX, frequency, orientation) == pytest.approx(expected, rel=1e-3)


def test_gabor_prefers_its_own_orientation():
    angles = np.deg2rad(np.arange(0, 180, 2))
    responses = [grating_response(CORTEX, CORTEX.frequency, angle) for angle in angles]
    assert abs(angles[np.argmax(responses)] - CORTEX.orientation) <= np.deg2rad(1)


def test_merkel_step_equals_the_closed_form(key):
    """Press by 1, then by 0.5 more: two steps add up; after release the currents undershoot and it is silent."""
    params = receptive.Merkel()
    process = receptive.merkel(params, dt=2.0)
    pressure = jnp.concatenate([jnp.ones(100), jnp.full(100, 1.5), jnp.zeros(20)])
    _, firing = iterate(process.step, key, process.init(key), pressure)
    time = 2.0 * np.arange(200)
    expected = params.step_current(time) + np.where(
        time >= 200, 0.5 * params.step_current(np.maximum(time - 200, 0)), 0
    )
    np.testing.assert_allclose(firing.rate[:200], params.rate(expected), rtol=1e-4)
    assert np.all(firing.rate[200:] == 0)


def test_merkel_spikes_at_its_rate(key):
    params = receptive.Merkel(gain=(0.0, 0.0, 0.0))  # nothing fades: a constant rate
    process = receptive.merkel(params)
    _, firing = iterate(process.step, key, process.init(key), jnp.ones(40_000))
    expected = 40.0 * float(params.rate(params.sustained))
    assert float(firing.spike.sum()) == pytest.approx(expected, abs=4 * expected**0.5)


@pytest.fixture(scope="module")
def moments():
    """Three neurons each watching white and correlated noise, with the field and the mixing."""
    field = receptive.Gabor(width=1.5, frequency=0.2)(*receptive.grid(7)).ravel()
    field = field / jnp.linalg.norm(field)
    place = jnp.arange(49.0)
    mixing = jnp.linalg.cholesky(jnp.exp(-jnp.abs(place[:, None] - place) / 2.0))

    def watch(key, mixing):
        process = receptive.triggered_average(field, mixing, rate=0.2, batch=500)
        return iterate(process.step, key, process.init(key), length=200)

    keys = jax.random.split(jax.random.key(1), 3)
    run = jax.jit(jax.vmap(watch, (0, None)))
    return field, mixing, run(keys, jnp.eye(49)), run(keys, mixing)


def test_average_of_white_noise_is_the_field(moments):
    """Under an exponential neuron it is the field itself, to an error of sqrt(pixels / spikes)."""
    field, _, (sums, counts), _ = moments
    np.testing.assert_array_equal(sums.spikes, counts.sum(1))
    average = jax.vmap(receptive.Moments.average)(sums)
    for row, spikes in zip(average, sums.spikes, strict=True):
        assert np.corrcoef(row, field)[0, 1] > 0.98
        assert float(jnp.linalg.norm(row - field)) == pytest.approx(float(jnp.sqrt(49 / spikes)), rel=0.5)
    # rate exp(u) with u normal of variance 1: the mean count of a frame is rate exp(1 / 2)
    np.testing.assert_allclose(sums.spikes / sums.frames, 0.2 * np.exp(0.5), rtol=0.05)


def test_correlated_noise_smears_the_field_and_whitening_mends_it(moments):
    field, mixing, _, (sums, _) = moments
    average, whitened = jax.vmap(receptive.Moments.average)(sums), jax.vmap(receptive.Moments.whitened)(sums)
    smeared = mixing @ (mixing.T @ field)
    for raw, clean in zip(average, whitened, strict=True):
        assert np.corrcoef(raw, smeared)[0, 1] > 0.98
        assert np.corrcoef(clean, field)[0, 1] > max(0.9, np.corrcoef(raw, field)[0, 1])


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="size is 8"):
        receptive.grid(8)
