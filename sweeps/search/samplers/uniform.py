"""Random search: each trial is drawn uniformly (in the logarithm where the range says so)."""

from optuna.samplers import BaseSampler, RandomSampler


def uniform(seed: int) -> BaseSampler:
    """Make the sampler of one trial."""
    return RandomSampler(seed=seed)
