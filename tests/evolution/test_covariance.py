"""CMA-ES against a transcription of the tutorial in NumPy; its weights beside those of pycma."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.evolution.covariance import cma_es, defaults


def ellipsoid(key, x, input):
    return -jnp.sum(10.0 ** (6 * jnp.arange(x.size) / (x.size - 1)) * x**2)


def tutorial_generation(mean, sigma, C, p_sigma, p_c, generation, members, values):
    """Equations (38) to (50) of Hansen 2016 for a population that is given, values to be made small."""
    n, lam = mean.size, len(values)
    w = np.log((lam + 1) / 2) - np.log(np.arange(1, lam + 1))
    mu = lam // 2
    mueff = np.sum(w[:mu]) ** 2 / np.sum(w[:mu] ** 2)
    mueff_minus = np.sum(w[mu:]) ** 2 / np.sum(w[mu:] ** 2)
    cc = (4 + mueff / n) / (n + 4 + 2 * mueff / n)
    cs = (mueff + 2) / (n + mueff + 5)
    c1 = 2 / ((n + 1.3) ** 2 + mueff)
    cmu = min(1 - c1, 2 * (1 / 4 + mueff + 1 / mueff - 2) / ((n + 2) ** 2 + 2 * mueff / 2))
    ds = 1 + 2 * max(0, np.sqrt((mueff - 1) / (n + 1)) - 1) + cs
    alphas = (1 + c1 / cmu, 1 + 2 * mueff_minus / (mueff + 2), (1 - c1 - cmu) / (n * cmu))
    w = np.array([v / w[:mu].sum() if v >= 0 else v * min(alphas) / -w[w < 0].sum() for v in w])
    chi = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))

    values_of_c, B = np.linalg.eigh(C)
    root = B @ np.diag(values_of_c**-0.5) @ B.T
    y = (members[np.argsort(values)] - mean) / sigma
    yw = sum(w[i] * y[i] for i in range(mu))
    p_sigma = (1 - cs) * p_sigma + np.sqrt(cs * (2 - cs) * mueff) * root @ yw
    h = np.linalg.norm(p_sigma) / np.sqrt(1 - (1 - cs) ** (2 * (generation + 1))) < (1.4 + 2 / (n + 1)) * chi
    p_c = (1 - cc) * p_c + h * np.sqrt(cc * (2 - cc) * mueff) * yw
    w_o = [w[i] * (1 if w[i] >= 0 else n / np.linalg.norm(root @ y[i]) ** 2) for i in range(lam)]
    C = (1 + c1 * (1 - h) * cc * (2 - cc) - c1 - cmu * w.sum()) * C + c1 * np.outer(p_c, p_c)
    C = C + cmu * sum(w_o[i] * np.outer(y[i], y[i]) for i in range(lam))
    return mean + sigma * yw, sigma * np.exp(cs / ds * (np.linalg.norm(p_sigma) / chi - 1)), C, p_sigma, p_c


def test_generations_equal_the_tutorial():
    """Five generations on an ellipsoid, the tutorial's state carried apart; at 4 parameters no decomposition is put off."""
    with jax.enable_x64(True):
        n, members = 4, 9
        assert defaults(n, members).lazy == 1
        strategy = cma_es(members, sigma=0.5)
        ask, tell = jax.jit(strategy.ask), jax.jit(strategy.tell)
        state = strategy.init(jax.random.key(0), jnp.arange(1.0, n + 1))
        theirs = (np.arange(1.0, n + 1), 0.5, np.eye(n), np.zeros(n), np.zeros(n))
        for generation in range(5):
            x = ask(jax.random.fold_in(jax.random.key(1), generation), state)
            fitness = jax.vmap(lambda x: ellipsoid(None, x, None))(x)
            theirs = tutorial_generation(*theirs, generation, np.asarray(x), -np.asarray(fitness))
            state = tell(None, state, x, fitness)
            ours = (state.mean, state.sigma, state.covariance, state.sigma_path, state.path)
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
        rebuilt = state.basis @ jnp.diag(state.scales**2) @ state.basis.T
        np.testing.assert_allclose(rebuilt, state.covariance, rtol=1e-9)


def test_samples_have_the_covariance(key):
    strategy = cma_es(20_000, sigma=0.5)
    root = jax.random.normal(key, (3, 3))
    values, basis = jnp.linalg.eigh(root @ root.T)
    state = strategy.init(key, jnp.ones(3))._replace(basis=basis, scales=jnp.sqrt(values))
    found = np.cov(np.asarray(strategy.ask(key, state), float).T)
    np.testing.assert_allclose(found, 0.25 * root @ root.T, atol=0.03 * float(values.max()))


def test_weights_are_those_of_pycma():
    cma = pytest.importorskip("cma", reason="pycma is not installed")
    for n, members in ((5, 8), (10, 10), (40, 25)):
        own, theirs = (
            defaults(n, members),
            cma.CMAEvolutionStrategy(n * [0.0], 1, {"popsize": members, "verbose": -9}).sp,
        )
        np.testing.assert_allclose(own.weights[: own.mu], theirs.weights[: own.mu], rtol=1e-6)
        np.testing.assert_allclose(own.mu_eff, theirs.weights.mueff, rtol=1e-6)
        np.testing.assert_allclose((own.c_1, own.c_mu, own.c_c), (theirs.c1, theirs.cmu, theirs.cc), rtol=1e-3)
