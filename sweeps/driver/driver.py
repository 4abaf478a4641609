"""The driver of one sweep: decides what to run next, writes it to the store as jobs, and reads off what came of it.

It holds nothing that is not in the store: a new driver of the same sweep takes up where the last one ended. One call of
`step` looks once at everything and returns; it neither waits nor runs anything itself.

    search     draw → evaluate on few tuning documents → report; then the best on more documents and every tuning seed
    confirm    arms and the best trials: fresh seeds, every stage up to the score on the whole validation set
    report     the best of these trials once more, on seeds that decided nothing, where the file names any
    challenge  in place of all of these: arms on fresh seeds, analysis after analysis, until a claim stands or falls
    judge      what an entry has beside its score: an audit on the artifact of its first seed, short ones on the others

Which stages there are, and which builds on which, the sweep says (`SweepSpec.pipeline`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.stages.audit import AUDIT
from jobs.stages.registry import stage_of
from jobs.stages.request import DocumentSet
from jobs.stages.stage import title_of
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, TrialRecord
from sweeps.driver.chain import TERMINAL_STATES, JobChain
from sweeps.driver.driver_store import DriverStore
from sweeps.driver.replication import run_analyses, scores_of
from sweeps.driver.requests import Advance, JobRequests
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.train_only import is_trained, pursue_trainings
from sweeps.driver.trial_search import TrialSearch
from sweeps.driver.trials import ranking, trial_name
from sweeps.spec.file import SweepSpec
from sweeps.spec.orders import Measurement, OrderBook

REPORT = " report"
"""Ends the name of the entry that measures the best trial once more."""


@dataclass(kw_only=True, slots=True)
class Judgments:
    """Jobs that entries have beside their scores, by stage."""

    jobs: dict[str, Mapping[str, JobRecord]]
    """By entry, on the first of its seeds."""
    further: dict[tuple[str, int], Mapping[str, JobRecord]]
    """By entry and seed, short ones on its other seeds."""
    ended: bool
    """Whether all that could be requested have ended."""


class Driver:
    """Drives a sweep, or follows one that somebody else drives."""

    def __init__(
        self,
        *,
        spec: SweepSpec,
        store: DriverStore,
        orders: OrderBook,
        read_only: bool = False,
        retry: Collection[str] = (),
    ) -> None:
        """Begin; nothing is read yet.

        Args:
            spec, store, orders: the sweep, where its jobs are, and what makes their orders.
            read_only: whether to only follow what is in the store, and to order nothing.
            retry: keys of jobs that waited, failed or were cancelled before. Each is ordered once more when something
                needs it: the cause may be gone, and the file may name another priority or place by now. A trial that
                was reported to the search needs nothing.
        """
        self.spec = spec
        self._store, self._orders, self._read_only = store, orders, read_only
        self._pipeline = spec.pipeline()
        scoring = self._pipeline.scoring()
        others = [stage for stage in self._pipeline if stage not in scoring]
        self._per_seed = [stage for stage in others if not stage.per_entry]
        self._per_entry = [stage for stage in others if stage.per_entry]
        self._further = [stage for stage in self._per_entry if stage.on_further_seeds]
        self._requests = JobRequests(store, orders, self._pipeline, read_only=read_only, retry=retry)
        self._search = TrialSearch(spec, store, orders, self._pipeline, self._requests, read_only=read_only)

    def step(self) -> Snapshot:
        """Look at the store, order what can be ordered now, and say how things stand."""
        self._requests.look()
        # Read after the jobs: those that were cancelled with the sweep must not be reported to the search as failures.
        if (reason := self._ended()) is not None:
            return self._snapshot("ended", [], done=False, ended=reason)
        winners, chains = self._pursue_all()
        judged = self._judge(chains).ended
        ended = all(chain is not None and chain.ended and chain.complete for chain in chains)
        ended &= all(chain.complete for chain in self._train_further(winners))
        # A blocked search has ordered what it will use when it goes on: its next run needs that.
        early = self._search.blocked is not None and any(
            job.state not in TERMINAL_STATES for job in self._requests.jobs.values()
        )
        done = winners is not None and ended and judged and not early
        return self._snapshot(self._phase(winners, done), chains, done=done, winners=winners)

    def _ended(self) -> str | None:
        """Why the sweep must not go on; None while it runs, and for a follower."""
        record = self._store.sweep(self.spec.name)
        if self._read_only or record is None or record.state == SweepState.RUNNING:
            return None
        return f"{record.state}: {record.reason}" if record.reason else record.state

    def _snapshot(
        self,
        phase: str,
        chains: Sequence[JobChain | None],
        *,
        done: bool,
        ended: str | None = None,
        winners: Sequence[int] | None = None,
    ) -> Snapshot:
        states = [trial.state for trial in self._search.trials.values()]
        return Snapshot(
            phase=phase,
            done=done,
            ended=ended,
            confirmed=sum(chain is not None and chain.done for chain in chains),
            to_confirm=max(len(chains), self._count_measurements(winners)),
            jobs=tuple(self._requests.jobs.values()),
            trials=self.spec.search.section.trials if self.spec.search else 0,
            trials_done=sum(state != "running" for state in states),
            infeasible=states.count("infeasible"),
            best=self._search.best(),
            by_proxy=self.spec.search is not None and self.spec.search.section.proxy is not None,
            to_come={stage: len(jobs) for stage, jobs in self._requests.to_come.items()},
            blocked=self._search.blocked,
        )

    def _phase(self, winners: list[int] | None, done: bool) -> str:
        if done:
            return "done"
        for job in self._requests.jobs.values():
            if job.state not in TERMINAL_STATES and stage_of(job.order.job).is_gang:
                return title_of(job.order.job.stage)
        return "search" if winners is None else "confirm"

    # What came of it

    def confirmed(self) -> list[JobChain]:
        """Finished measurements of entries: arms first, then the trials chosen.

        As of the last step. Without one, their jobs alone are read from the store.
        """
        return [chain for chain in self._pursue_all()[1] if chain is not None and chain.done]

    def trained_only(self) -> list[JobChain]:
        """Train-only seeds whose score before quantization is known; like `confirmed`."""
        winners = self._pursue_all()[0] if self.spec.confirm_train_only else None
        return [chain for chain in self._train_further(winners) if is_trained(chain)]

    def entry_jobs(self, stage: str) -> dict[str, JobRecord]:
        """The finished jobs of a stage that has one for each entry, by entry; like `confirmed`."""
        jobs = self._judge(self._pursue_all()[1]).jobs
        return {
            entry: by_stage[stage]
            for entry, by_stage in jobs.items()
            if stage in by_stage and by_stage[stage].state == JobState.DONE
        }

    def evidence(self) -> list[JobRecord]:
        """The finished jobs behind the entries, each once; like `confirmed`."""
        chains = self.confirmed()
        judged = self._judge(chains)
        jobs = [job for chain in chains for job in (*chain.jobs.values(), *chain.others.values())]
        jobs += [job for by_stage in (*judged.jobs.values(), *judged.further.values()) for job in by_stage.values()]
        return list({job.key: job for job in jobs if job.is_usable}.values())

    def audits(self) -> dict[str, JobRecord]:
        """The finished audits, by entry; like `confirmed`."""
        return self.entry_jobs(AUDIT.name)

    def further_audits(self) -> dict[str, dict[int, JobRecord]]:
        """The finished short audits of further seeds, by entry and seed; like `confirmed`."""
        audits: dict[str, dict[int, JobRecord]] = {}
        for (entry, seed), by_stage in self._judge(self._pursue_all()[1]).further.items():
            job = by_stage.get(AUDIT.name)
            if job is not None and job.state == JobState.DONE:
                audits.setdefault(entry, {})[seed] = job
        return audits

    def obsolete(self) -> list[str]:
        """Keys of unfinished jobs that the sweep does not need as its file is now; looked up without ordering any.

        What failed and was reported to the search is needed: it is why a trial failed.
        """
        follower = self._follow()
        follower._search.need_failed_trials()
        jobs, needed = follower._requests.jobs, follower._requests.needed
        return [key for key, job in jobs.items() if job.state != JobState.DONE and key not in needed]

    def needed(self) -> set[str]:
        """Keys of the jobs that the sweep still goes by; looked up without ordering any.

        What failed and was reported to the search is not among them.
        """
        return set(self._follow()._requests.needed)

    def _follow(self) -> "Driver":
        """A driver that has looked once, and orders nothing."""
        follower = Driver(spec=self.spec, store=self._store, orders=self._orders, read_only=True)
        follower.step()
        return follower

    def finished(self, stage: str) -> list[JobRecord]:
        """Finished jobs of a stage as of the last step."""
        jobs = self._requests.jobs.values()
        return [job for job in jobs if job.order.job.stage == stage and job.state == JobState.DONE]

    def trials(self) -> list[TrialRecord]:
        """Trials as of the last step."""
        return [trial for _, trial in sorted(self._search.trials.items())]

    def seeds_of(self, entry: str) -> tuple[int, ...]:
        """The seeds that an entry is to be measured on."""
        arms = {arm.name: arm.seeds for arm in self.spec.arms}
        return arms.get(entry, self.spec.seeds.report if entry.endswith(REPORT) else self.spec.seeds.confirm)

    # What is to be done

    def _pursue_all(self) -> tuple[list[int] | None, list[JobChain | None]]:
        """The trials to confirm, and how far every measurement of an entry is, in the order of entries and seeds."""
        # Trainings for the confirmation do not wait for the search: gangs run while evaluations cannot, and first.
        arms = self._pursue_arms()
        winners = self._search.advance()
        chosen = [self._pursue(measurement) for measurement in self._confirm_measurements(winners or [])]
        reported = [self._pursue(measurement) for measurement in self._report_measurements(winners or [], chosen)]
        return winners, [*arms, *chosen, *reported]

    def _pursue_arms(self) -> list[JobChain | None]:
        """Measurements of the arms; of a challenge, up to its next analysis, or to the one that decided it."""
        if self.spec.challenge is None:
            return [self._pursue(measurement) for measurement in self._arm_measurements()]
        chains: list[JobChain | None] = []
        for number, count in enumerate(self.spec.challenge.analyses, 1):
            chains = [self._pursue(measurement) for measurement in self._arm_measurements(count)]
            analyses = run_analyses(self.spec, scores_of(chains))
            if len(analyses) < number or analyses[-1].outcome is not None:
                break
        return chains

    def _pursue(self, measurement: Measurement) -> JobChain | None:
        return self._requests.chain(measurement, others=self._per_seed)

    def _train_further(self, winners: Sequence[int] | None) -> list[JobChain]:
        """How far the train-only seeds of arms and winners are."""
        if not self.spec.confirm_train_only:
            return []
        measurements = [*self._arm_measurements(), *self._confirm_measurements(winners or [])]
        return pursue_trainings(self._requests, self.spec, list({item.entry: item for item in measurements}.values()))

    def _arm_measurements(self, most: int | None = None) -> Iterator[Measurement]:
        """Of the first so many seeds of each arm."""
        for arm in self.spec.arms:
            for seed in arm.seeds[:most]:
                yield Measurement(
                    recipe=arm.recipe, seed=seed, documents=DocumentSet(split="val"), entry=arm.name, trial=None
                )

    def _confirm_measurements(self, winners: Sequence[int]) -> Iterator[Measurement]:
        for number in winners:
            yield from self._trial_measurements(number, trial_name(number), self.spec.seeds.confirm)

    def _report_measurements(self, winners: Sequence[int], chosen: Sequence[JobChain | None]) -> Iterator[Measurement]:
        """The trial that is best on all its confirm seeds, once those have ended, on the report seeds.

        Whoever is picked as the best of several looks better than it is; on seeds that did not pick it, it does not.
        """
        if not all(chain is not None and chain.ended for chain in chosen):
            return
        means: dict[int, float | None] = {}
        for number in winners:
            scores = [chain.value for chain in chosen if chain and chain.done and chain.measurement.trial == number]
            means[number] = sum(scores) / len(scores) if len(scores) == len(self.spec.seeds.confirm) else None
        for number in ranking(means)[:1]:
            yield from self._trial_measurements(number, trial_name(number) + REPORT, self.spec.seeds.report)

    def _trial_measurements(self, number: int, entry: str, seeds: Sequence[int]) -> Iterator[Measurement]:
        for seed in seeds:
            recipe = self._search.recipe(number)
            yield Measurement(recipe=recipe, seed=seed, documents=DocumentSet(split="val"), entry=entry, trial=number)

    def _count_measurements(self, winners: Sequence[int] | None) -> int:
        """Scores of entries that the sweep has in the end; before it knows its best trials, if enough have a score."""
        if self.spec.challenge is not None:
            return 0  # as many as its analyses take
        trials = self.spec.search.section.trials if self.spec.search else 0
        confirmed = min(self.spec.confirm_top, trials) if winners is None else len(winners)
        chosen = confirmed * len(self.spec.seeds.confirm)
        reported = len(self.spec.seeds.report) if chosen else 0
        return sum(len(arm.seeds) for arm in self.spec.arms) + chosen + reported

    def _judge(self, chains: Sequence[JobChain | None]) -> Judgments:
        """Order what each entry has beside its scores: on the first of its seeds that is scored, and on the others."""
        judged = Judgments(jobs={}, further={}, ended=True)
        for chain in chains:
            if chain is None or chain.failed:
                continue
            is_first = chain.entry not in judged.jobs
            stages = self._per_entry if is_first else self._further
            if not chain.done:
                for stage in stages:
                    self._requests.to_come[stage.name].add(chain.entry if is_first else (chain.entry, chain.seed))
                advance = Advance(jobs={}, missing=frozenset(), open=frozenset())
            else:
                measurement = replace(chain.measurement, further=not is_first)
                advance = self._requests.advance(measurement, stages, {**chain.jobs, **chain.others})
            if is_first:
                judged.jobs[chain.entry] = advance.jobs
            else:
                judged.further[chain.entry, chain.seed] = advance.jobs
            judged.ended &= not advance.open
        return judged
