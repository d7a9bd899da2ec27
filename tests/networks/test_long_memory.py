"""The adding problem is what the papers say it is, and an LSTM starts to learn it."""

import jax
import numpy as np
import pytest

from experiments.long_memory import BASELINE, Config, run, sample, sequences_until_learned


@pytest.mark.parametrize("length", [4, 7])
def test_a_sequence_has_one_mark_in_each_half_and_the_marked_sum(length):
    xs, sums = map(np.asarray, sample(jax.random.key(0), 3_000, length))
    values, marks = xs[..., 0], xs[..., 1]
    half = length // 2
    assert set(np.unique(marks)) == {0, 1}
    assert (marks[:, :half].sum(1) == 1).all() and (marks[:, half:].sum(1) == 1).all()
    np.testing.assert_allclose((values * marks).sum(1), sums, rtol=1e-6)
    for part in (marks[:, :half], marks[:, half:]):  # every place is as likely: within 5 standard errors
        share = 1 / part.shape[1]
        assert (abs(part.mean(0) - share) < 5 * np.sqrt(share * (1 - share) / 3_000)).all()
    assert abs(((sums - 1) ** 2).mean() - BASELINE) < 0.02


def test_sequences_are_counted_when_the_last_two_thousand_are_right():
    losses = np.full((2, 500), 0.1)
    losses[0, 100:] = 0.0
    counts = sequences_until_learned(losses, 20)
    # 100 batches make 2 000 sequences: their mean is under 0.0064 once fewer than 6.4 of them are bad
    np.testing.assert_array_equal(counts, [(100 + 94) * 20, np.inf])


def test_refusals_name_value_and_remedy():
    with pytest.raises(ValueError, match=r"lengths is \(3,\).*none below 4"):
        run(Config(lengths=(3,)))


@pytest.mark.slow
def test_gates_learn_what_the_plain_network_forgets():
    measured = run(Config(lengths=(60,), seeds=2)).measured
    assert (measured["RNN_mse_60"] > 0.6 * BASELINE).all()
    for kind in ("LSTM", "GRU", "attention"):
        assert (measured[f"{kind}_mse_60"] < 0.05 * BASELINE).all()
