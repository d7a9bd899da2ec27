"""The laboratory: one file an experiment, run by ``python -m experiments``."""
