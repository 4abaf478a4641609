"""One public record: which score of which log counts for which seed, and what the folder as a whole says.

The rule, in order, and nothing beyond it:

1. The seed of a log is the one that its dump of settings prints; only where it prints none, the one in its name.
2. The entry's protocol is one stage of evaluation (jobs.logs.Stage) for all its logs: the one that its own claims agree
   with most often; without any agreement the latest that at least half of its logs were scored by.
3. Of several logs of one seed the one counts whose score submission.json gives; logs that give the same score count as
   one. If none of them fits, or several with different scores, the seed has none.
4. A log of unknown seed counts where it can be one that is claimed and has no log, or where no log tells its seed and
   nothing is claimed; everywhere else it may be another run of a seed that is there, and has no score.
5. Where a folder has no log with a score at all, its claims stand in for what they claim, and a finding says so.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import PurePosixPath

from jobs.logs import STAGES, Log, Score, Stage, agree, decimals
from sweeps.records import claims as claims_
from sweeps.records.claims import Claims
from sweeps.records.folder import Folder

UNKNOWN_SEED = "?"
_NAMED_SEED = re.compile(
    r"(?:^|[^a-z])seeds?[_=. -]?(\d{1,12})(?!\d)|(?:^|[_-])s(\d{1,9})(?=[._-]|$)", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One log, and the seed that it is taken to be of."""

    path: str
    log: Log
    seed: str | None
    """As printed; where nothing is printed, as the file's name says."""
    named_seed: str | None

    def score(self, stage: Stage | None, claimed: Sequence[Decimal]) -> Score | None:
        """Its score of a stage: the one that is claimed, else the last; None if one metric stands there twice."""
        if stage is None or (len(self.log.seeds) > 1 and self.log.runs > 1 and self.seed is None):
            return None  # trainings of several seeds in one file
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
        return self._counted_at(self.stage)

    @cached_property
    def strays(self) -> list[str]:
        """Logs of unknown seed, as `by_seed` calls them, that may be further runs of seeds that have logs."""
        return self._strays_at(self.stage)

    @property
    def seeds_seen(self) -> int:
        """How many seeds there are logs of."""
        return len(self.by_seed) - len(self.strays)

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

    @property
    def losses(self) -> list[Decimal]:
        """Nats per token that stand beside the scores that count."""
        lines = [line for seed in self.counted if (line := self.score_of(seed))]
        return [line.loss for line in lines if line.loss is not None]

    def score_of(self, seed: str) -> Score | None:
        """The line of the log that counts."""
        run = self.counted.get(seed)
        return run.score(self.stage, self.claimed_of(seed)) if run is not None else None

    def claimed_of(self, seed: str) -> list[Decimal]:
        """The score that the submission gives for a seed, if any: its own, else any of those that it does not say the
        seed of, else the headline, else what it calls a loss, which was bits per byte in entries without a headline."""
        claims = self.claims
        if claims.unnamed:
            return list(claims.unnamed)
        given = next((one for one in (claims.scores.get(seed), claims.headline, claims.loss) if one is not None), None)
        return [] if given is None else [given]

    def _counted_at(self, stage: Stage | None) -> dict[str, Run]:
        strays = self._strays_at(stage)
        chosen = {seed: self._choose(group, stage) for seed, group in self.by_seed.items() if seed not in strays}
        return {seed: run for seed, run in chosen.items() if run is not None}

    def _strays_at(self, stage: Stage | None) -> list[str]:
        """Logs of unknown seed that rule 4 leaves out, were the entry scored at a stage."""
        unknown = {seed: group[0] for seed, group in self.by_seed.items() if group[0].seed is None}
        seen = [seed for seed in self.by_seed if seed not in unknown]
        claims = self.claims
        if not claims.seeds and claims.count is None:
            return list(unknown) if seen else []
        lacking = [seed for seed in claims.seeds if seed not in seen]
        room = max(len(lacking), (claims.count or 0) - len(seen))
        given = [claims.scores[seed] for seed in lacking if seed in claims.scores]
        if room == 1 and not seen:
            given = given or self.claimed_of("")
        # A score that a known seed's log gives to the last digit is that run, logged again.
        taken = {score.bpb for seed in seen for run in self.by_seed[seed] if (score := run.score(stage, []))}
        fitting = [seed for seed, run in unknown.items() if _may_be(run.score(stage, given), given, taken)]
        return [seed for seed in unknown if seed not in fitting or len(fitting) > room]

    def _choose(self, group: Sequence[Run], stage: Stage | None) -> Run | None:
        if len(group) == 1:
            return group[0]
        claimed = self.claimed_of(group[0].seed or "")
        scored = [(run, score) for run in group if (score := run.score(stage, claimed))]
        fitting = [(run, score) for run, score in scored if any(agree(claim, score.bpb) for claim in claimed)]
        pool = fitting or (scored if len(scored) == len(group) else [])
        # One run that was logged twice gives one score twice, and nothing is in doubt.
        return pool[0][0] if len({score.bpb for _, score in pool}) == 1 else None

    def _agreements(self, stage: Stage) -> int:
        """How many claims the logs' scores of a stage bear out."""
        found = 0
        for run in self.runs:
            claimed = self.claims.scores.get(run.seed or "")
            score = run.score(stage, [] if claimed is None else [claimed])
            found += claimed is not None and score is not None and agree(claimed, score.bpb)
        headline = self.claims.headline
        if headline is not None:
            every = [score.bpb for run in self.runs for score in run.log.of_stage(stage)]
            counted = self._scores_at(stage)
            found += any(agree(headline, value) for value in every) or (bool(counted) and is_mean(headline, counted))
        return found

    def _scores_at(self, stage: Stage) -> list[Decimal]:
        """Scores of a stage that would count."""
        given = self.claims.scores
        lines = [
            run.score(stage, [given[seed]] if seed in given else []) for seed, run in self._counted_at(stage).items()
        ]
        return [line.bpb for line in lines if line]

    def _claimed_scores(self) -> dict[str, Decimal | None]:
        scores: dict[str, Decimal | None] = {seed: self.claims.scores.get(seed) for seed in self.claims.seeds}
        if len(scores) <= 1 and not self.claims.scores:
            return {next(iter(scores), UNKNOWN_SEED): self.claims.headline}
        return scores


def judge_folder(folder: Folder) -> Record:
    """Put a folder's logs in order."""
    claims = claims_.read(folder.submission or {})
    same: dict[str, list[str]] = {}
    for path, log in sorted(folder.logs.items()):
        same.setdefault(log.digest, []).append(path)
    runs, copies = [], []
    for paths in same.values():
        log = folder.logs[paths[0]]
        printed = [str(seed) for seed in log.seeds]
        # Of copies the one is kept whose name tells the seed that is printed, or a seed at all: it says more.
        original = min(paths, key=lambda path: (named_seed(path) not in printed, named_seed(path) is None))
        copies += [(path, original) for path in paths if path != original]
        names = {named for path in paths if (named := named_seed(path)) is not None}
        named = named_seed(original)
        sure = named in printed or (not printed and len(names) == 1)
        seed = printed[0] if len(printed) == 1 else named if sure else None
        runs.append(Run(path=original, log=log, seed=seed, named_seed=named))
    return Record(folder=folder, claims=claims, runs=tuple(_lone(runs, claims)), copies=tuple(copies))


def _may_be(score: Score | None, given: Sequence[Decimal], taken: Container[Decimal]) -> bool:
    """Whether a log of unknown seed may be of a seed that lacks one: scores given for those, scores of others taken."""
    if score is None:
        return True
    return score.bpb not in taken and (not given or any(agree(one, score.bpb) for one in given))


def mean(values: Sequence[Decimal]) -> Decimal:
    """The mean, with two digits more than its values have."""
    digits = max(decimals(value) for value in values) + 2
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal(1).scaleb(-digits))


def is_mean(claimed: Decimal, values: Sequence[Decimal]) -> bool:
    """Whether a number is the mean of others, as far as the digits of all of them tell."""
    units = (Decimal(5).scaleb(-digits - 1) for digits in (decimals(claimed), min(map(decimals, values))))
    return abs(claimed - mean(values)) <= sum(units)


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
    """The seed in a file's name, or in that of a folder around it; None where one name has several."""
    for part in reversed(PurePosixPath(path).parts):
        if found := {str(int(long or short)) for long, short in _NAMED_SEED.findall(part)}:
            return found.pop() if len(found) == 1 else None
    return None
