"""Tree-structured Parzen estimator (Bergstra et al., 2011), over all parameters at once."""

from optuna.samplers import BaseSampler, TPESampler

from sweeps.search.samplers import optuna_sampler


def tpe(seed: int) -> BaseSampler:
    """Make the sampler of one trial; it takes running trials for bad ones, so that parallel trials differ."""
    startup = optuna_sampler.STARTUP_TRIALS
    return TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)
