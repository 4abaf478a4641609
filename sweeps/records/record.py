"""One public record: which score of which log counts for which seed, and what the folder as a whole says.

The rule, in order, and nothing beyond it:

1. The seed of a log is the one that its dump of settings prints; only where it prints none, the one in its name.
2. The entry's protocol is one stage of evaluation (jobs.logs.Stage) for all its logs: the one that its own claims agree
   with most often; without any agreement the latest that at least half of its logs were scored by.
3. Of several logs of one seed the one counts whose score submission.json gives; logs that give the same score count as
   one. If none of them fits, or several with different scores, the seed has none.
4. Where a folder has no log with a score at all, its claims stand in for what they claim, and a finding says so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import PurePosixPath

from jobs.logs import STAGES, Log, Score, Stage, agree, decimals
from sweeps.records import claims as claims_
from sweeps.records.claims import Claims
from sweeps.records.folder import Folder

UNKNOWN_SEED = "?"
_NAMED_SEED = re.compile(r"(?:^|[^a-z])seeds?[_-]?(\d{1,12})(?!\d)|(?:^|[_-])s(\d{1,9})(?=[._-]|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One log, and the seed that it is taken to be of."""

    path: str
    log: Log
    seed: str | None
    """As printed; where nothing is printed, as the file's name says."""
    named_seed: str | None

    def score(self, stage: Stage, claimed: Sequence[Decimal]) -> Score | None:
        """Its score of a stage: the one that is claimed, else the last; None if one metric stands there twice."""
        scores = self.log.of_stage(stage)
        fitting = [score for score in scores if any(agree(claim, score.bpb) for claim in claimed)]
        if not fitting and len({score.name for score in scores}) < len(scores):
            return None
        chosen = max(fitting or scores[-1:], key=lambda score: decimals(score.bpb), default=None)
        return chosen and self._finest(chosen)

    def _finest(self, chosen: Score) -> Score:
        """The same metric's line with the most digits, whatever stage its own words put it at."""
        same = [score for score in self.log.scores if score.name == chosen.name and agree(score.bpb, chosen.bpb)]
        return max([chosen, *same], key=lambda score: decimals(score.bpb))


@dataclass(frozen=True, kw_only=True)  # without slots: what is worked out of it is kept in its __dict__
class Record:
    """A record folder with its logs in order."""

    folder: Folder
    claims: Claims
    runs: tuple[Run, ...]
    """One for each log; identical copies are left out."""
    copies: tuple[tuple[str, str], ...]
    """Path of a log and of the one that it is a copy of."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def stage(self) -> Stage | None:
        """The stage of evaluation that the entry is scored by; None where no log gives a score."""
        scored = [run for run in self.runs if any(run.log.of_stage(stage) for stage in STAGES[1:])]
        votes = {stage: self._agreements(stage) for stage in reversed(STAGES[1:])}
        best = max(votes.values())
        for stage in votes:
            covered = sum(bool(run.log.of_stage(stage)) for run in scored)
            if scored and (votes[stage] == best if best else 2 * covered >= len(scored)):
                return stage
        return None

    @cached_property
    def counted(self) -> dict[str, Run]:
        """Seed → the log that counts for it."""
        return {seed: run for seed, group in self.by_seed.items() if (run := self._choose(seed, group)) is not None}

    @cached_property
    def by_seed(self) -> dict[str, list[Run]]:
        """Seed → its logs; a log of unknown seed stands alone."""
        unknown = [run for run in self.runs if run.seed is None]
        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            seed = run.seed or (UNKNOWN_SEED if len(unknown) == 1 else f"{UNKNOWN_SEED} {run.path}")
            groups.setdefault(seed, []).append(run)
        return groups

    @cached_property
    def scores(self) -> dict[str, Decimal | None]:
        """Seed → bits per byte as printed; None where nothing gives it beyond doubt."""
        if self.stage is None and not self.runs:
            return self._claimed_scores()
        scores: dict[str, Decimal | None] = {}
        for seed in self.by_seed:
            chosen = self.score_of(seed)
            scores[seed] = chosen.bpb if chosen else None
        for seed in self.claims.seeds:
            scores.setdefault(seed, None)
        return scores

    @property
    def known(self) -> list[Decimal]:
        """Scores of the seeds that have one."""
        return [score for score in self.scores.values() if score is not None]

    @property
    def measured(self) -> list[Decimal]:
        """Scores that logs give."""
        return self.known if self.runs else []

    def score_of(self, seed: str) -> Score | None:
        """The line of the log that counts."""
        run = self.counted.get(seed)
        return run.score(self.stage, self.claimed_of(seed)) if run is not None and self.stage is not None else None

    def claimed_of(self, seed: str) -> list[Decimal]:
        """The score that the submission gives for a seed, if any: its own, else the headline, else what it calls a
        loss, which was bits per byte in entries that have no headline."""
        claims = self.claims
        given = next((one for one in (claims.scores.get(seed), claims.headline, claims.loss) if one is not None), None)
        return [] if given is None else [given]

    def _choose(self, seed: str, group: Sequence[Run]) -> Run | None:
        if len(group) == 1:
            return group[0]
        stage = self.stage
        if stage is None:
            return None
        claimed = self.claimed_of(seed)
        scored = [(run, score) for run in group if (score := run.score(stage, claimed))]
        fitting = [(run, score) for run, score in scored if any(agree(claim, score.bpb) for claim in claimed)]
        pool = fitting or (scored if len(scored) == len(group) else [])
        # One run that was logged twice gives one score twice, and nothing is in doubt.
        return pool[0][0] if len({score.bpb for _, score in pool}) == 1 else None

    def _agreements(self, stage: Stage) -> int:
        """How many claims the logs' scores of a stage bear out."""
        found = 0
        values: list[Decimal] = []
        for run in self.runs:
            claimed = self.claims.scores.get(run.seed or "")
            score = run.score(stage, [] if claimed is None else [claimed])
            if score is not None:
                values.append(score.bpb)
                found += claimed is not None and agree(claimed, score.bpb)
        headline = self.claims.headline
        if headline is not None and values:
            candidates = [mean(values), *(one.bpb for run in self.runs for one in run.log.of_stage(stage))]
            found += any(agree(headline, value) for value in candidates)
        return found

    def _claimed_scores(self) -> dict[str, Decimal | None]:
        scores: dict[str, Decimal | None] = {seed: self.claims.scores.get(seed) for seed in self.claims.seeds}
        if len(scores) <= 1 and not self.claims.scores:
            return {next(iter(scores), UNKNOWN_SEED): self.claims.headline}
        return scores


def judge_folder(folder: Folder) -> Record:
    """Put a folder's logs in order."""
    claims = claims_.read(folder.submission or {})
    originals: dict[str, str] = {}
    runs, copies = [], []
    # Of copies the one whose name tells the seed is kept: it says more.
    for path, log in sorted(folder.logs.items(), key=lambda one: (named_seed(one[0]) is None, one[0])):
        if (original := originals.setdefault(log.digest, path)) != path:
            copies.append((path, original))
            continue
        named = named_seed(path)
        printed = [str(seed) for seed in log.seeds]
        seed = printed[0] if len(printed) == 1 else named if named in printed or not printed else None
        runs.append(Run(path=path, log=log, seed=seed, named_seed=named))
    return Record(folder=folder, claims=claims, runs=tuple(_lone(runs, claims)), copies=tuple(copies))


def mean(values: Sequence[Decimal]) -> Decimal:
    """The mean, with two digits more than its values have."""
    digits = max(decimals(value) for value in values) + 2
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal(1).scaleb(-digits))


def worst(values: Mapping[str, int | float | None]) -> tuple[str, int | float] | None:
    """The largest of what is known, and whose it is."""
    known = [(value, seed) for seed, value in values.items() if value is not None]
    if not known:
        return None
    value, seed = max(known)
    return seed, value


def _lone(runs: Sequence[Run], claims: Claims) -> list[Run]:
    """A lone log that tells no seed is of the one seed that is claimed."""
    if len(runs) == 1 and runs[0].seed is None and not runs[0].log.seeds and len(claims.seeds) == 1:
        run = runs[0]
        return [Run(path=run.path, log=run.log, seed=claims.seeds[0], named_seed=None)]
    return list(runs)


def named_seed(path: str) -> str | None:
    """The seed in a file's name, or in that of a folder around it."""
    for part in reversed(PurePosixPath(path).parts):
        if found := _NAMED_SEED.search(part):
            return str(int(found[1] or found[2]))
    return None
