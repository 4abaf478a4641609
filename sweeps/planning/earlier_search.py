"""Trials of an earlier search: a sampler that learns is expected to draw what it drew for the same space before."""

from collections.abc import Sequence

from golf.errors import InputError
from jobs.store import Store, TrialRecord
from sweeps.driver.sweep import Sweep
from sweeps.driver.trials import search_digest, search_of
from sweeps.planning.expected_trials import decides_earlier_stages
from sweeps.spec.file import SweepSpec


def earlier_trials(spec: SweepSpec, store: Store) -> Sequence[TrialRecord]:
    """The first trials of the latest finished search over the same space, as many as this sweep has; else none.

    Spaces that decide jobs before the evaluation have none: a plan must not count too few trainings because the earlier
    trials happened to share theirs.
    """
    if spec.search is None or any(decides_earlier_stages(parameter, spec) for parameter in spec.search.space.values()):
        return ()
    own = search_of(spec)
    for record in reversed(store.sweeps()):
        try:
            sweep = Sweep.from_json(record.spec)
        except InputError:  # another version of golfsweep wrote it
            continue
        if sweep.spec.search is None:
            continue
        theirs = search_of(sweep.spec)
        if (theirs.distributions, theirs.sampler) == (own.distributions, own.sampler):
            trials = store.trials(record.name, search_digest(sweep.spec, sweep.orders()))[: own.trials]
            if len(trials) == own.trials and all(trial.state != "running" for trial in trials):
                return trials
    return ()
