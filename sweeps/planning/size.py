"""How many jobs a plan has to simulate, at most; each takes milliseconds."""

from golf.errors import InputError
from sweeps.planning.expected_trials import decides_earlier_stages
from sweeps.spec.file import SweepSpec

MOST_JOBS = 1500
"""Jobs that are planned in a few seconds; the time grows with their square."""


def check_size(spec: SweepSpec) -> None:
    """Refuse a plan that would take long.

    Raises:
        InputError: the sweep has too many jobs; with their number, and what to plan instead.
    """
    if (jobs := count_jobs(spec)) > MOST_JOBS:
        limit = f"a plan simulates at most {MOST_JOBS:,} jobs, this sweep has up to {jobs:,}"
        raise InputError(
            f"{spec.name}: {limit}; plan a part, e.g. with --set search.trials=500 and fewer arms or seeds"
        )


def count_jobs(spec: SweepSpec) -> int:
    """Jobs of a sweep none of whose trials share a training, at most."""
    stages = list(spec.pipeline())
    per_seed = sum(not stage.per_entry for stage in stages)
    per_entry = len(stages) - per_seed
    trained_only = spec.confirm_train_only * (len(spec.pipeline().scoring()) - 1)
    jobs = sum(len(arm.seeds) * per_seed + per_entry + trained_only for arm in spec.arms)
    if spec.search is None:
        return jobs
    section, seeds = spec.search.section, spec.seeds
    shared = not any(decides_earlier_stages(parameter, spec) for parameter in spec.search.space.values())
    each = 1 if shared else len(spec.pipeline().scoring())
    promoted = 0 if section.promote is None else section.promote.top * len(seeds.tune)
    confirmed = spec.confirm_top * (len(seeds.confirm) * per_seed + per_entry + trained_only)
    return jobs + (section.trials + promoted) * each + confirmed + len(seeds.report) * per_seed
