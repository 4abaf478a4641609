"""The driver of one sweep: decides what to run next, writes it to the store as jobs, and reads off what came out.

It holds nothing that is not in the store: a new driver of the same sweep takes up where the last one ended. One call of
`step` looks once at everything and returns; it neither waits nor runs anything itself.

    search     ask → evaluate on few tuning documents → tell; then the best on more documents and every tuning seed
    confirm    arms and the best trials: fresh seeds, train → quantize → eval on the whole validation set
    report     the best of these trials once more, on seeds that decided nothing, where the file names any
    audit      each of them once, on the artifact of its first seed
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from optuna.distributions import distribution_to_json

from golf.errors import InputError
from jobs.spec import Order
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, Store, TrialRecord
from sweeps.run.outcome import ENDED, Outcome, Run, Snapshot
from sweeps.run.trials import ranking, search_digest, search_of, trial_name
from sweeps.run.watching import Watching
from sweeps.search.search import Search
from sweeps.spec import space
from sweeps.spec.file import SweepSpec
from sweeps.spec.orders import DocumentSet, Stages
from sweeps.spec.recipe import Recipe


@dataclass(slots=True)
class Driver:
    """Drives a sweep, or follows one that somebody else drives."""

    spec: SweepSpec
    store: Store
    stages: Stages
    _jobs: dict[str, JobRecord] = field(default_factory=dict)
    _trials: dict[int, TrialRecord] = field(default_factory=dict)
    _to_come: dict[str, set[Hashable]] = field(default_factory=lambda: defaultdict(set))
    """What makes each job still to be done by kind distinct: several runs may wait for the same one."""
    read_only: bool = False
    """Whether to only follow what is in the store, ordering nothing."""
    again: set[str] = field(default_factory=set)
    """Keys of jobs that waited, failed or were cancelled before this driver began. Each is ordered once more when
    something needs it: the cause may be gone, and the file may name another priority or place by now. What a search was
    told needs nothing."""
    _blocked: JobRecord | None = None
    _wanted: set[str] = field(default_factory=set)
    """Keys of all jobs that were come across."""
    _watching: Watching = field(init=False)

    def __post_init__(self) -> None:
        self._watching = Watching(self.store, self.spec.name)

    def step(self) -> Snapshot:
        """Look at the store, order what can be ordered now, and say how things stand."""
        self._jobs = self._watching.jobs()
        self._to_come = {"train": set(), "quantize": set(), "eval": set(), "audit": set()}
        # Read after the jobs: jobs that were cancelled with the sweep must not be told to the search as failures.
        if (stopped := self._ended()) is not None:
            return self._snapshot("ended", done=False, ended=stopped)
        winners, confirmed = self._outcomes()
        audits = self._audit(confirmed)
        waiting = any(one is None or one.state not in ENDED for one in audits.values())
        ended = all(one is not None and (one.done or one.failed) for one in confirmed)
        # A search that stands still has ordered what it does not come to use now: its next run will.
        early = self._blocked is not None and any(job.state not in ENDED for job in self._jobs.values())
        done = winners is not None and ended and not waiting and not early
        return self._snapshot(self._stage(winners, done), done=done)

    def _ended(self) -> str | None:
        """Why the sweep is not to go on; None while it runs, and for who only reads."""
        record = self.store.sweep(self.spec.name)
        if self.read_only or record is None or record.state == SweepState.RUNNING:
            return None
        return f"{record.state}: {record.reason}" if record.reason else record.state

    def _snapshot(self, stage: str, *, done: bool, ended: str | None = None) -> Snapshot:
        return Snapshot(
            stage=stage,
            done=done,
            ended=ended,
            jobs=tuple(self._jobs.values()),
            trials=self.spec.search.section.trials if self.spec.search else 0,
            trials_done=sum(trial.state != "running" for trial in self._trials.values()),
            best=self._best(),
            to_come={kind: len(jobs) for kind, jobs in self._to_come.items()},
            blocked=self._blocked,
        )

    def confirmed(self) -> list[Outcome]:
        """Finished runs that make rows: arms first, then the trials chosen.

        As of the last step; without one, as they stand in the store, which is asked for these runs' jobs alone.
        """
        return [outcome for outcome in self._outcomes()[1] if outcome is not None and outcome.done]

    def audits(self) -> dict[str, JobRecord]:
        """The finished audits of rows, by name; like `confirmed`."""
        found = self._audit(self._outcomes()[1])
        return {row: job for row, job in found.items() if job is not None and job.state == JobState.DONE}

    def forsaken(self) -> list[str]:
        """Keys of unfinished jobs for which the sweep has no use as its file is now; looked up without ordering any.

        What failed and was told to the search is of use: it is why a trial failed.
        """
        follower = replace(self, read_only=True, again=set(), _wanted=set())
        follower.step()
        for number, trial in follower._trials.items():
            if trial.state == "failed":
                with suppress(InputError):  # its settings never made a job
                    follower._pursue(follower._first_run(number))
        return [
            key for key, job in follower._jobs.items() if job.state != JobState.DONE and key not in follower._wanted
        ]

    def finished(self, kind: str) -> list[JobRecord]:
        """Finished jobs of one kind as of the last step."""
        return [job for job in self._jobs.values() if job.order.job.stage == kind and job.state == JobState.DONE]

    def trials(self) -> list[TrialRecord]:
        """Trials as of the last step."""
        return [trial for _, trial in sorted(self._trials.items())]

    # Runs

    def _arm_runs(self) -> Iterator[Run]:
        for arm in self.spec.arms:
            for seed in arm.seeds:
                yield Run(row=arm.name, recipe=arm.recipe, seed=seed, documents=DocumentSet(split="val"))

    def _confirm_runs(self, winners: list[int]) -> Iterator[Run]:
        for number in winners:
            for seed in self.spec.seeds.confirm:
                recipe = self._recipe(self._trials[number].parameters)
                yield Run(row=trial_name(number), recipe=recipe, seed=seed, documents=DocumentSet(split="val"))

    def _report_runs(self, winners: Sequence[int], chosen: Sequence[Outcome | None]) -> Iterator[Run]:
        """The runs on report seeds of the trial that is best on all its confirm seeds, once those have ended.

        Whoever is picked as the best of several looks better than it is; on seeds that did not pick it, it does not.
        """
        if not all(outcome is not None and (outcome.done or outcome.failed) for outcome in chosen):
            return
        scores = {number: [one.bpb for one in chosen if _of(one, trial_name(number))] for number in winners}
        whole = {number: found for number, found in scores.items() if len(found) == len(self.spec.seeds.confirm)}
        for number in ranking({number: sum(found) / len(found) for number, found in whole.items()})[:1]:
            recipe = self._recipe(self._trials[number].parameters)
            for seed in self.spec.seeds.report:
                row = f"{trial_name(number)} report"
                yield Run(row=row, recipe=recipe, seed=seed, documents=DocumentSet(split="val"))

    def seeds_of(self, row: str) -> tuple[int, ...]:
        """The seeds that a row is to be measured on."""
        arms = {arm.name: arm.seeds for arm in self.spec.arms}
        return arms.get(row, self.spec.seeds.report if row.endswith(" report") else self.spec.seeds.confirm)

    def _outcomes(self) -> tuple[list[int] | None, list[Outcome | None]]:
        """The trials to confirm, and how far every run that makes a row has come, in the order of rows and seeds."""
        # Trainings for the confirmation do not wait for the search: gangs run while evaluations cannot, and first.
        arms = [self._pursue(run) for run in self._arm_runs()]
        winners = self._search()
        chosen = [self._pursue(run) for run in self._confirm_runs(winners or [])]
        reported = [self._pursue(run) for run in self._report_runs(winners or [], chosen)]
        return winners, [*arms, *chosen, *reported]

    def _pursue(self, run: Run) -> Outcome | None:
        """Order a run's next job once the one before is done; None while nothing of it is in the store (read only)."""
        train = self._put(self.stages.train(run.recipe, run.seed))
        if train is None or train.state != JobState.DONE:
            return self._waiting(run, train, "train", "quantize", "eval")
        assert train.outputs is not None
        quantize = self._put(self.stages.quantize(run.recipe, run.seed, train.outputs["weights"], run.documents))
        if quantize is None or quantize.state != JobState.DONE:
            return self._waiting(run, quantize, "quantize", "eval", before=(train,))
        assert quantize.outputs is not None
        artifact = quantize.outputs["artifact"]
        order = self.stages.evaluate(run.recipe, run.seed, artifact, run.documents, run.row)
        return self._waiting(run, self._put(order), "eval", before=(train, quantize))

    def _audit(self, outcomes: Sequence[Outcome | None]) -> dict[str, JobRecord | None]:
        """Order the audit of every row of whose seeds one is evaluated, on the first of them; by name of row.

        A row that is still to have its first seed evaluated counts among what is to come.
        """
        audits: dict[str, JobRecord | None] = {}
        for outcome in outcomes:
            if outcome is None or outcome.failed or outcome.run.row in audits:
                continue
            run = outcome.run
            job = None
            if outcome.done:
                outputs = outcome.jobs[1].outputs
                assert outputs is not None
                seconds = self.spec.audit.seconds
                order = self.stages.audit(run.recipe, run.seed, outputs["artifact"], seconds, run.row)
                job = self._put(order)
            if job is None or job.state not in ENDED:
                self._to_come["audit"].add((run.row, run.recipe))
            audits[run.row] = job
        return audits

    def _waiting(
        self, run: Run, job: JobRecord | None, *kinds: str, before: tuple[JobRecord, ...] = ()
    ) -> Outcome | None:
        """An outcome; jobs behind the one waited for are counted as still to come."""
        if job is None:
            return None
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            train = (before[0] if before else job).key
            distinct = {
                "train": train,
                "quantize": (train, run.recipe.quantize),
                "eval": (run.recipe, run.seed, run.documents),
            }
            for kind in kinds[1:] if job.state in ENDED else kinds:
                self._to_come[kind].add(distinct[kind])
        return Outcome(run=run, jobs=(*before, job))

    def _put(self, order: Order) -> JobRecord | None:
        """The job of an order, written down if it is new; a driver that only follows looks whether it is there."""
        key = order.job.key
        self._wanted.add(key)
        if key not in self._jobs or key in self.again:
            self.again.discard(key)
            found = self.store.job(key) if self.read_only else self.store.put_job(order)
            if found is None:
                return None
            self._jobs[key] = found
        return self._jobs[key]

    # Search

    def _search(self) -> list[int] | None:
        """Ask and tell as far as it goes; numbers of the trials to confirm once all is known, best first.

        A failure that has nothing to do with a trial's own settings is not told: the search is blocked, confirms
        nothing, and goes on when the job is asked for again.
        """
        self._blocked = None
        if self.spec.search is None:
            return []
        section = self.spec.search.section
        search = search_of(self.spec)
        identity = search_digest(self.spec, self.stages)
        # A search that was longer on another day may have asked for more.
        found = self.store.trials(self.spec.name, identity)
        self._trials = {trial.number: trial for trial in found if trial.number < section.trials}
        self._train_ahead(section.promote is not None)
        for number in range(section.trials):
            if number not in self._trials and not self._ask(search, identity, number):
                break
            trial = self._trials[number]
            if trial.state == "running":
                try:
                    outcome = self._pursue(self._first_run(number))
                except InputError:  # settings that are good one by one, but not together
                    self._tell(identity, trial, None)
                    continue
                if outcome is not None and outcome.done:
                    self._tell(identity, trial, outcome.bpb)
                elif outcome is not None and outcome.failed:
                    if self._shared(outcome.jobs[-1].order.job.stage):
                        self._blocked = outcome.jobs[-1]
                        return []
                    self._tell(identity, trial, None)
        if len(self._trials) < section.trials or any(trial.state == "running" for trial in self._trials.values()):
            self._to_come["eval"] |= {("trial", number) for number in range(len(self._trials), section.trials)}
            return None
        return self._promote()

    def _train_ahead(self, every_seed: bool) -> None:
        """Order the trainings that the search will need while nodes are still free of evaluations."""
        if self._shared("train"):
            for seed in self.spec.seeds.tune if every_seed else self.spec.seeds.tune[:1]:
                self._put(self.stages.train(self.spec.recipe, seed))

    def _shared(self, kind: str) -> bool:
        """Whether a job of this kind is the same for all trials."""
        assert self.spec.search is not None
        decides = {"train": ("train.",), "quantize": ("train.", "quantize.")}
        settings = [parameter.setting for parameter in self.spec.search.space.values()]
        return kind in decides and not any(setting.startswith(decides[kind]) for setting in settings)

    def _ask(self, search: Search, identity: str, number: int) -> bool:
        values = {n: trial.value for n, trial in self._trials.items() if trial.state != "running"}
        if self.read_only or not search.ready(number, values):
            return False
        parameters = search.ask(number, {n: trial.parameters for n, trial in self._trials.items()}, values)
        kinds = {name: distribution_to_json(kind) for name, kind in search.distributions.items()}
        trial = TrialRecord(number=number, parameters=parameters, distributions=kinds, state="running", value=None)
        self.store.put_trial(self.spec.name, identity, trial)
        self._trials[number] = trial
        return True

    def _tell(self, identity: str, trial: TrialRecord, value: float | None) -> None:
        """Write down what became of a trial; None where it failed."""
        told = replace(trial, state="failed" if value is None else "complete", value=value)
        if not self.read_only:
            self.store.put_trial(self.spec.name, identity, told)
        self._trials[trial.number] = told

    def _promote(self) -> list[int] | None:
        """The best trials once more on every tuning seed and more documents; None until that is done."""
        assert self.spec.search is not None
        ranked = ranking({number: trial.value for number, trial in self._trials.items()})
        promote = self.spec.search.section.promote
        if promote is None:
            return ranked[: self.spec.confirm_top]
        documents = DocumentSet(split="tune", count=promote.documents)
        means: dict[int, float | None] = {}
        waiting = False
        for number in ranked[: promote.top]:
            outcomes = [self._pursue(self._tuning_run(number, seed, documents)) for seed in self.spec.seeds.tune]
            known = [one for one in outcomes if one is not None and (one.done or one.failed)]
            waiting |= len(known) < len(outcomes)
            scores = [one.bpb for one in known if one.done]
            means[number] = sum(scores) / len(scores) if len(scores) == len(outcomes) else None
        return None if waiting else ranking(means)[: self.spec.confirm_top]

    def _first_run(self, number: int) -> Run:
        """The run that gives a trial its value."""
        assert self.spec.search is not None
        documents = DocumentSet(split="tune", count=self.spec.search.section.documents)
        return self._tuning_run(number, self.spec.seeds.tune[0], documents)

    def _tuning_run(self, number: int, seed: int, documents: DocumentSet) -> Run:
        recipe = self._recipe(self._trials[number].parameters)
        return Run(row=trial_name(number), recipe=recipe, seed=seed, documents=documents)

    def _recipe(self, parameters: Mapping[str, Any]) -> Recipe:
        assert self.spec.search is not None
        return space.apply(self.spec.search.space, parameters, self.spec.settings, self.spec.name)

    def _best(self) -> tuple[str, float] | None:
        ranked = ranking({number: trial.value for number, trial in self._trials.items()})
        if not ranked:
            return None
        value = self._trials[ranked[0]].value
        assert value is not None
        return trial_name(ranked[0]), value

    def _stage(self, winners: list[int] | None, done: bool) -> str:
        if done:
            return "done"
        training = any(job.order.job.stage == "train" and job.state not in ENDED for job in self._jobs.values())
        if training:
            return "train"
        return "search" if winners is None else "confirm"


def _of(outcome: Outcome | None, row: str) -> TypeGuard[Outcome]:
    """Whether an outcome is a score of a row."""
    return outcome is not None and outcome.done and outcome.run.row == row
