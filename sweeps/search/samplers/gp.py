"""Bayesian optimization with a Gaussian process."""

from optuna.samplers import BaseSampler, GPSampler

from sweeps.search.samplers import optuna_sampler


def gp(seed: int) -> BaseSampler:
    """Make the sampler of one trial; equal settings have equal results, so the process has no noise term."""
    return GPSampler(seed=seed, n_startup_trials=optuna_sampler.STARTUP_TRIALS, deterministic_objective=True)
