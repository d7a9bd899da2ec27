"""All the strategies, by one name each; who asks and is told is explained in :mod:`redes_jax.evolution.asktell`.

| strategy | learns | from |
| --- | --- | --- |
| :func:`ga` | a truncated population of parameters, by mutation alone | Such et al. 2017 |
| :func:`genetic` | a population of genomes, by selection, crossover and mutation | Holland 1975 |
| :func:`islands` | several populations, with migration | Tanese 1989 |
| :func:`mu_lambda` | a population, and a step size for each parameter of each member | Schwefel 1981 |
| :func:`openes` | a mean, by the gradient of the smoothed fitness | Salimans et al. 2017 |
| :func:`pgpe` | a mean and a deviation for each parameter, likewise | Sehnke et al. 2010 |
| :func:`snes` | the same by the natural gradient | Wierstra et al. 2014 |
| :func:`sep_cma_es` | a mean, a step size, a diagonal covariance, evolution paths | Ros & Hansen 2008 |
| :func:`cma_es` | the same with the whole covariance | Hansen 2016 |
| :func:`neat` | networks that grow, connection by connection | Stanley & Miikkulainen 2002 |
"""

from redes_jax.evolution.asktell import Generation, Strategy, evolve
from redes_jax.evolution.covariance import cma_es, sep_cma_es
from redes_jax.evolution.genetic import ga, genetic, islands
from redes_jax.evolution.gradients import centred_ranks, clip_up, noise_table, openes, pgpe, smoothed_gradient
from redes_jax.evolution.natural import mu_lambda, snes
from redes_jax.evolution.topology import neat

__all__ = [
    "Generation", "Strategy", "centred_ranks", "clip_up", "cma_es", "evolve", "ga", "genetic", "islands", "mu_lambda",
    "neat", "noise_table", "openes", "pgpe", "sep_cma_es", "smoothed_gradient", "snes",
]  # fmt: skip
