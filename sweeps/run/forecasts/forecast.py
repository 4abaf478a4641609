"""Forecasting a sweep here: its plan, for which this machine is measured where no finished job tells enough."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster.executors.local import local_slots
from jobs.machine import environment
from jobs.paths import Home
from jobs.spec import Machine
from jobs.workplace import Workplace
from sweeps.planning.assumed import assume_data, assume_machine
from sweeps.planning.plan import SweepPlan, plan, planned_machine, planned_runtime
from sweeps.run.driving.opening import resolve
from sweeps.spec.file import SweepSpec
from sweeps.speed.choose import choose_samples
from sweeps.speed.measure import LIMIT_SECONDS, measure, samples_of
from sweeps.speed.nominal import with_core
from sweeps.speed.samples import Speed, keep_speed, read_speed


def forecast(
    spec: SweepSpec,
    place: Workplace,
    *,
    nodes: int,
    slots: int | None,
    measure_here: bool,
    say: Callable[[str], None],
    limit: float = LIMIT_SECONDS,
) -> SweepPlan:
    """Plan a sweep as far as its data, history and this machine tell.

    Args:
        spec: the sweep.
        place: the home whose history counts; it is not written to.
        nodes: of the cluster.
        slots: of each node, by default this machine's.
        measure_here: whether short jobs may be timed on this machine.
        say: called with what a person should know meanwhile.
        limit: seconds that measuring may take.

    Raises:
        InputError: the sweep's data are not right, a job is wider than a node, or the sweep has too many jobs.
    """
    assumed = list[str]()
    here = environment.machine()
    machine = planned_machine(spec.name, place.store, here)
    if (other := assume_machine(spec, machine, os.cpu_count() or 1)) is not None and machine == here:
        machine, text = other
        assumed.append(text)
    data = assume_data(spec)
    if data is not None:
        assumed.append(data.text)
    with TemporaryDirectory() as spare:  # a plan leaves no corpus
        corpus = place.home if place.home.demo.exists() else Home(Path(spare) / "home")
        runtime = None if machine == here else planned_runtime(spec.name, place.store)
        sweep = resolve(spec, corpus, machine, say, runtime, data=None if data is None else data.data)
        wide, now = slots or local_slots(sweep.widest()), time.time()

        def make(speed: Speed) -> SweepPlan:
            lengths = None if data is None else data.lengths
            return plan(
                sweep, place.store, nodes=nodes, slots=wide, now=now, speed=speed, lengths=lengths, assumed=assumed
            )

        kept = read_speed()
        made = make(kept)
        if made.is_known() or machine.slot_class != here.slot_class:
            return made
        speed = measured(spec, here, kept, Path(spare), measure_here=measure_here, say=say, limit=limit)
        if speed.tried != kept.tried:
            keep_speed(speed)
        return made if speed == kept else make(speed)


def measured(
    spec: SweepSpec,
    machine: Machine,
    kept: Speed,
    folder: Path,
    *,
    measure_here: bool,
    say: Callable[[str], None],
    limit: float,
) -> Speed:
    """This machine's speed at a sweep's kinds of work; a core's speed alone where no short job may or can run.

    Args:
        spec: the sweep.
        machine: the class of this machine's slots.
        kept: what is known of it already.
        folder: for the bundled corpus and files of short jobs.
        measure_here: whether short jobs may be run.
        say: called before they are.
        limit: seconds that they may take.
    """
    speed = with_core(kept, machine.device)
    choice = choose_samples(spec, machine.device, speed) if measure_here else None
    if choice is None or kept.covers(samples_of(choice, machine)):
        return speed
    say(
        f"Timing short jobs of this sweep on this machine, about 40 s, at most {limit:.0f} s (--quick guesses "
        "instead) …"
    )
    return speed.joined(measure(choice, machine, folder / "measure", core_flops=speed.core_flops, limit=limit))
