"""One public record: which score of which log counts for which seed, and what the folder as a whole says.

The rules, in order:

1. The seed of a log is the one that its settings print; where it prints none, the one in its file's name. The logs of
   one seed of which only one shows a training are one run.
2. The record is scored by one metric for all its logs, the one that its claims agree with most often
   (sweeps.records.metric). Seeds that it does not claim do not count.
3. Of several logs of one seed, the one whose score submission.json gives counts; logs with the same score count as one.
   If none or several with different scores fit, the seed has no score.
4. A log of unknown seed counts if it can be of a claimed seed without a log, or if no log has a known seed and nothing
   is claimed. Otherwise it may be another run of a known seed, and has no score.
5. If no log of the folder has a score, the claims stand in, and a finding says so.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations

from jobs.logs import Score, ScoreStage, agree
from sweeps.records.arithmetic import is_mean
from sweeps.records.metric import Metric, choose_metric
from sweeps.records.reading.claims import SubmissionClaims, read_claims
from sweeps.records.reading.folder import Folder
from sweeps.records.runs import Run, build_runs, shorten_paths

UNKNOWN_SEED = "?"
MOST_SEEDS = 12
"""Most seeds of which subsets are tried."""


@dataclass(frozen=True, kw_only=True)  # without slots: cached properties are kept in its __dict__
class Record:
    """A record folder with its logs assigned to seeds."""

    folder: Folder
    claims: SubmissionClaims
    runs: tuple[Run, ...]
    """One for each training; identical copies of logs are left out."""
    copies: tuple[tuple[str, str], ...]
    """Path of a log and of the log that it copies."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def metric(self) -> Metric | None:
        """The metric that scores the record; None where no log gives a score."""
        given = self.claims.scores
        seed_claims = [(run.log, given[run.seed]) for run in self.runs if run.seed is not None and run.seed in given]
        return choose_metric([run.log for run in self.runs], self.claims.headline, seed_claims, self._list_scores)

    @property
    def stage(self) -> ScoreStage | None:
        """The stage of evaluation that scores the record; None where no log gives a score."""
        return self.metric.stage if self.metric else None

    @cached_property
    def counted(self) -> dict[str, Run]:
        """Seed → the log that counts for it."""
        return {seed: run for seed, run in self._count_at(self.metric).items() if seed not in self.unclaimed}

    @cached_property
    def strays(self) -> list[str]:
        """Logs of unknown seed, as `by_seed` calls them, that may be further runs of seeds that have logs."""
        return self._find_strays(self.metric)

    @property
    def logged_seeds(self) -> int:
        """Number of seeds that have logs and count."""
        return len(self.by_seed) - len(self.strays) - len(self.unclaimed)

    @cached_property
    def unclaimed(self) -> list[str]:
        """Seeds that have logs and are not among those that the submission claims."""
        known = [seed for seed, group in self.by_seed.items() if group[0].seed is not None]
        scores = self._score_seeds()
        if self.claims.seeds:
            claimed = [seed for seed in known if seed in self.claims.seeds]
        else:
            claimed = find_claimed_subset(scores, self.claims.count, self.claims.headline)
        others = [seed for seed in known if seed not in claimed]
        return others if claimed and not self._is_about_all(scores, claimed) else []

    def _score_seeds(self) -> dict[str, Decimal]:
        """Seed → score, for all seeds with a log that counts, claimed or not."""
        lines = {
            seed: run.score(self.metric, self.claimed_of(seed)) for seed, run in self._count_at(self.metric).items()
        }
        return {seed: line.bpb for seed, line in lines.items() if line}

    def _is_about_all(self, scores: Mapping[str, Decimal], claimed: Sequence[str]) -> bool:
        """Whether the headline is the mean of all seeds with logs, and not of those that are named."""
        headline, named = self.claims.headline, [scores[seed] for seed in claimed if seed in scores]
        if headline is None or not scores:
            return False
        return is_mean(headline, list(scores.values())) and not (named and is_mean(headline, named))

    @cached_property
    def by_seed(self) -> dict[str, list[Run]]:
        """Seed → its logs; a log of unknown seed stands alone."""
        unknown = [run for run in self.runs if run.seed is None]
        names = shorten_paths([run.path for run in unknown])
        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            seed = run.seed or (UNKNOWN_SEED if len(unknown) == 1 else f"{UNKNOWN_SEED} {names[run.path]}")
            groups.setdefault(seed, []).append(run)
        return groups

    @cached_property
    def scores(self) -> dict[str, Decimal | None]:
        """Seed → bits per byte as printed; None where the score is in doubt."""
        if self.metric is None and not self.runs:
            return self._take_claims()
        scores: dict[str, Decimal | None] = {}
        for seed in self.by_seed:
            if seed in self.unclaimed:
                continue
            chosen = self.score_of(seed)
            scores[seed] = chosen.bpb if chosen else None
        for seed in self.claims.seeds:
            scores.setdefault(seed, None)
        return scores

    @property
    def known(self) -> list[Decimal]:
        """Scores of the seeds that have a score."""
        return [score for score in self.scores.values() if score is not None]

    @property
    def measured(self) -> list[Decimal]:
        """Scores from logs."""
        return self.known if self.runs else []

    @property
    def losses(self) -> list[Decimal]:
        """Nats per token that the logs print beside the scores that count."""
        lines = [line for seed in self.counted if (line := self.score_of(seed))]
        return [line.loss for line in lines if line.loss is not None]

    def score_of(self, seed: str) -> Score | None:
        """The line of a seed's log that counts."""
        run = self.counted.get(seed)
        return run.score(self.metric, self.claimed_of(seed)) if run is not None else None

    def line_of(self, run: Run) -> Score | None:
        """The line of a run that would count if the run does."""
        return run.score(self.metric, self.claimed_of(run.seed or ""))

    def claimed_of(self, seed: str) -> list[Decimal]:
        """The scores that the submission gives for a seed: those without a named seed if there are any, else its own,
        else the headline, else the loss, which was bits per byte in submissions without a headline."""
        claims = self.claims
        if claims.unnamed:
            return list(claims.unnamed)
        given = [score for score in (claims.scores.get(seed), claims.headline, claims.loss) if score is not None]
        return given[:1]

    def _count_at(self, metric: Metric | None) -> dict[str, Run]:
        strays = self._find_strays(metric)
        chosen = {seed: self._choose(group, metric) for seed, group in self.by_seed.items() if seed not in strays}
        return {seed: run for seed, run in chosen.items() if run is not None}

    def _find_strays(self, metric: Metric | None) -> list[str]:
        """Logs of unknown seed that rule 4 leaves out if a metric scores the record."""
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
        # A log with the exact score of a known seed's log is the same run, logged again.
        taken = {score.bpb for seed in seen for run in self.by_seed[seed] if (score := run.score(metric, []))}
        fitting = [seed for seed, run in unknown.items() if _may_be(run.score(metric, given), given, taken)]
        return [seed for seed in unknown if seed not in fitting or len(fitting) > room]

    def _choose(self, group: Sequence[Run], metric: Metric | None) -> Run | None:
        if len(group) == 1:
            return group[0]
        claimed = self.claimed_of(group[0].seed or "")
        scored = [(run, score) for run in group if (score := run.score(metric, claimed))]
        fitting = [(run, score) for run, score in scored if any(agree(claim, score.bpb) for claim in claimed)]
        pool = fitting or (scored if len(scored) == len(group) else [])
        # A run that was logged twice gives the same score twice, which leaves no doubt.
        return pool[0][0] if len({score.bpb for _, score in pool}) == 1 else None

    def _list_scores(self, metric: Metric) -> list[Decimal]:
        """Scores that count if a metric scores the record."""
        given = self.claims.scores
        lines = [
            run.score(metric, [given[seed]] if seed in given else []) for seed, run in self._count_at(metric).items()
        ]
        return [line.bpb for line in lines if line]

    def _take_claims(self) -> dict[str, Decimal | None]:
        scores: dict[str, Decimal | None] = {seed: self.claims.scores.get(seed) for seed in self.claims.seeds}
        if len(scores) <= 1 and not self.claims.scores:
            return {next(iter(scores), UNKNOWN_SEED): self.claims.headline}
        return scores


def find_claimed_subset(scores: Mapping[str, Decimal], count: int | None, headline: Decimal | None) -> list[str]:
    """The only seeds, of a claimed number, whose mean is the headline; empty where none or several sets of them fit."""
    if headline is None or count is None or not 0 < count < len(scores) <= MOST_SEEDS:
        return []
    if is_mean(headline, list(scores.values())):
        return []
    sets = [seeds for seeds in combinations(scores, count) if is_mean(headline, [scores[seed] for seed in seeds])]
    return list(sets[0]) if len(sets) == 1 else []


def build_record(folder: Folder) -> Record:
    """Assign a folder's logs to seeds."""
    claims = read_claims(folder.submission or {})
    runs, copies = build_runs(folder, claims)
    return Record(folder=folder, claims=claims, runs=tuple(runs), copies=tuple(copies))


def _may_be(score: Score | None, given: Sequence[Decimal], taken: Container[Decimal]) -> bool:
    """Whether a log of unknown seed may be of a seed without a log.

    Args:
        score: of the log.
        given: scores claimed for seeds without a log.
        taken: scores of known seeds' logs.
    """
    if score is None:
        return True
    return score.bpb not in taken and (not given or any(agree(claim, score.bpb) for claim in given))
