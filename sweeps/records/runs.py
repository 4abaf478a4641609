"""The logs of a record: a run for each training, with the seed that it is attributed to."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath

from jobs.logs import Log, Score, agree, decimals, merge_logs
from sweeps.records.metric import Metric
from sweeps.records.reading.claims import SubmissionClaims
from sweeps.records.reading.folder import Folder

MAX_NAME = 25
"""Characters of a log's name in a table."""
_NAMED_SEED = re.compile(
    r"(?:^|[^a-z])seeds?[_=. -]?(\d{1,12})(?!\d)|(?:^|[_-])s(\d{1,9})(?=[._-]|$)", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One training with its evaluations: one log, or several of which one has the training."""

    path: str
    """Of its log; of several, joined by " + "."""
    log: Log
    seed: str | None
    """As printed; where no seed is printed, as in the file's name."""
    named_seed: str | None
    """As in the file's name."""

    def score(self, metric: Metric | None, claimed: Sequence[Decimal]) -> Score | None:
        """Its score: a claimed one, else the last; None where one metric appears twice with other values."""
        if metric is None or (len(self.log.seeds) > 1 and self.log.runs > 1 and self.seed is None):
            return None  # the log holds trainings of several seeds
        scores = metric.scores_of(self.log)
        fitting = [score for score in scores if any(agree(claim, score.bpb) for claim in claimed)]
        if not fitting and len({score.name for score in scores}) < len(scores):
            return None
        chosen = max(fitting or scores[-1:], key=lambda score: decimals(score.bpb), default=None)
        return chosen and self._find_finest(chosen)

    def _find_finest(self, chosen: Score) -> Score:
        """The line of the same metric with the most digits, whatever stage its name suggests."""
        same = [score for score in self.log.scores if score.name == chosen.name and agree(score.bpb, chosen.bpb)]
        return max([chosen, *same], key=lambda score: decimals(score.bpb))


def build_runs(folder: Folder, claims: SubmissionClaims) -> tuple[list[Run], list[tuple[str, str]]]:
    """Make a run of each log of a folder.

    Returns:
        The runs, and path and original of each log that is a copy of another one, byte for byte.
    """
    by_digest: dict[str, list[str]] = {}
    for path, log in sorted(folder.logs.items()):
        by_digest.setdefault(log.digest, []).append(path)
    runs, copies = [], []
    for paths in by_digest.values():
        log = folder.logs[paths[0]]
        original = _choose_original(paths, log)
        copies += [(path, original) for path in paths if path != original]
        seed = _find_seed(paths, original, log)
        runs.append(Run(path=original, log=log, seed=seed, named_seed=find_named_seed(original)))
    return _adopt_claimed_seed(_join_parts(runs, claims), claims), copies


def find_named_seed(path: str) -> str | None:
    """The seed in a file's name, or in that of a folder around it; None where one name has several."""
    for part in reversed(PurePosixPath(path).parts):
        if seeds := {str(int(long or short)) for long, short in _NAMED_SEED.findall(part)}:
            return seeds.pop() if len(seeds) == 1 else None
    return None


def shorten_paths(paths: Sequence[str]) -> dict[str, str]:
    """Path → a form of it that fits a table; the path itself where the short form is another's, too."""
    short = {path: path if len(path) <= MAX_NAME else f"{path[:12]}…{path[-12:]}" for path in paths}
    taken = Counter(short.values())
    return {path: name if taken[name] == 1 else path for path, name in short.items()}


def _choose_original(paths: Sequence[str], log: Log) -> str:
    """Of copies, prefer a log whose name has the printed seed, then a log whose name has any seed."""
    printed = [str(seed) for seed in log.seeds]
    return min(paths, key=lambda path: (find_named_seed(path) not in printed, find_named_seed(path) is None))


def _find_seed(paths: Sequence[str], original: str, log: Log) -> str | None:
    printed = [str(seed) for seed in log.seeds]
    if len(printed) == 1:
        return printed[0]
    named = find_named_seed(original)
    names = {seed for path in paths if (seed := find_named_seed(path)) is not None}
    return named if named in printed or (not printed and len(names) == 1) else None


def _join_parts(runs: list[Run], claims: SubmissionClaims) -> list[Run]:
    """Join the log of a training with those of its evaluations: logs of one seed of which only one shows a training.

    A log of unknown seed belongs to the training if the folder has just one and no second seed is claimed.
    """
    one_seed = len(claims.seeds) <= 1 and (claims.count or 1) == 1
    alone = one_seed and sum(run.log.trains for run in runs) == 1 and len({run.seed for run in runs} - {None}) <= 1
    groups: dict[str | None, list[Run]] = {}
    for run in runs:
        key = next((other.seed for other in runs if other.log.trains), None) if alone else run.seed
        groups.setdefault(key if alone or run.seed is not None else f"? {run.path}", []).append(run)
    joined = []
    for group in groups.values():
        training = [run for run in group if run.log.trains]
        parts = [*training, *(run for run in group if not run.log.trains)]
        joined += [_join(parts)] if len(training) == 1 and len(parts) > 1 and _fit_together(parts) else group
    return joined


def _fit_together(parts: Sequence[Run]) -> bool:
    """Whether no metric appears in several logs with different values, as it does where evaluations were repeated."""
    known: dict[str, Decimal] = {}
    for part in parts:
        for score in part.log.scores:
            if not agree(known.get(score.name, score.bpb), score.bpb):
                return False
        known |= {score.name: score.bpb for score in part.log.scores}
    return True


def _join(parts: Sequence[Run]) -> Run:
    return Run(
        path=" + ".join(part.path for part in parts),
        log=merge_logs([part.log for part in parts]),
        seed=next((part.seed for part in parts if part.seed is not None), None),
        named_seed=next((part.named_seed for part in parts if part.named_seed is not None), None),
    )


def _adopt_claimed_seed(runs: list[Run], claims: SubmissionClaims) -> list[Run]:
    """If a record has a single log, without a seed, and claims a single seed, the log is of that seed."""
    if len(runs) == 1 and runs[0].seed is None and not runs[0].log.seeds and len(claims.seeds) == 1:
        return [Run(path=runs[0].path, log=runs[0].log, seed=claims.seeds[0], named_seed=None)]
    return runs
