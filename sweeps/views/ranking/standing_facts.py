"""An entry of a contest with a target in short texts: what it is ranked by, what the rules say, and the evidence."""

from collections.abc import Mapping
from typing import Any

from sweeps.contests.contest import Contest
from sweeps.statistics import summary
from sweeps.views.ranking.measure import Measure
from sweeps.views.wording import format_dollars, format_p

StandingRow = Mapping[str, Any]
"""One entry of `leaderboard --json` of such a contest."""
FEW_GPUS = 2
"""Names of GPUs that a text lists."""


def measure_of(contest: Contest) -> Measure:
    """What a contest ranks by, as people read it."""
    replicate = "seed" if contest.replicates.seeds else "run"
    if contest.ranked.by == "score":
        name, unit = contest.score.metric, contest.score.unit
        return Measure(
            heading=name, title=unit, unit=name, form=".5f", change_unit=name, change_form=".5f",
            replicate=replicate, higher_is_better=contest.score.direction == "higher",
        )  # fmt: skip
    steps = contest.ranked.by == "steps"
    title = f"{contest.ranked.by} to a {contest.score.metric} of {contest.rule.target}"
    return Measure(
        heading=contest.ranked.by, title=title, unit="steps" if steps else "s", form=",.0f" if steps else ",.2f",
        change_unit="steps" if steps else "s", change_form=",.0f" if steps else ",.2f", replicate=replicate,
    )  # fmt: skip


def score_measure_of(contest: Contest) -> Measure:
    """The score of a contest's rule, as people read it."""
    return Measure(
        heading=contest.score.metric, title=contest.score.unit, unit=contest.score.metric, form=".5f",
        change_unit=contest.score.metric, change_form=".5f", replicate="seed" if contest.replicates.seeds else "run",
        higher_is_better=contest.score.direction == "higher",
    )  # fmt: skip


def list_ranked_values(row: StandingRow) -> dict[str, float]:
    """What is ranked of each run: its seconds, or its score; empty where steps are ranked, which all runs share."""
    if row["ranked_by"] == "steps":
        return {}
    name = "seconds" if row["ranked_by"] == "seconds" else "score"
    known = {run: result[name] for run, result in row["runs"].items()}
    return {} if None in known.values() else known


def ranked_interval(row: StandingRow) -> tuple[float, float] | None:
    """The 95 % interval of what is ranked; None where it has none."""
    values = list(list_ranked_values(row).values())
    return summary(values).ci95 if values else None


def describe_score(row: StandingRow) -> str:
    """Mean and deviation of the score."""
    if row["mean"] is None:
        return f"no {row['metric']}"
    spread = "" if row["std"] is None else f" ± {row['std']:.5f}"
    return f"{row['metric']} {row['mean']:.5f}{spread}"


def describe_test(result: Mapping[str, Any]) -> str:
    """What a rule found, and what it needs."""
    if result["test"] == "known-sigma":
        reached = "" if result["statistic"] is None else f"statistic {result['statistic']:.4f}, "
        p = "" if result["p_value"] is None else f"p = {format_p(result['p_value'])}; "
        return f"{p}{reached}the rule needs {result['threshold']:g}"
    p = "" if result["p_value"] is None else f"p = {format_p(result['p_value'])}, "
    return f"{p}the rule needs p < {result['threshold']:g}"


def describe_gpus(row: StandingRow) -> str:
    """The GPUs on which the runs were made; empty where no log names one."""
    names = sorted({run["gpu"] for run in row["runs"].values() if run["gpu"]})
    more = f" and {len(names) - FEW_GPUS} more" if len(names) > FEW_GPUS else ""
    return ", ".join(names[:FEW_GPUS]) + more


def describe_standing(row: StandingRow, contest: Contest) -> dict[str, str]:
    """Heading → text, for the evidence of an entry; headings without a text are left out."""
    target, improvement = row["rule"], row["improvement"]
    texts = {
        "score": f"{describe_score(row)} ({contest.score.unit})",
        "step": "" if row["step"] is None else f"{row['step']:,}",
        "seconds": "" if row["seconds"] is None else f"{row['seconds']:,.2f}, mean of the training clocks",
        f"target of {contest.rule.target}": describe_test(target),
        "against the record": "" if improvement is None else f"{row['verdict_against']}: {describe_test(improvement)}",
        "runs still needed": "" if row["runs_needed"] is None else describe_needed_runs(row),
        "date": row["date"] or "",
        "machine": row["machine"] or describe_gpus(row),
    }
    return {heading: text for heading, text in texts.items() if text}


def describe_needed_runs(row: StandingRow) -> str:
    """Further runs that would show an entry's claim, and their price."""
    number = row["runs_needed"]
    if not number:
        return "none"
    price = row["dollars_needed"]
    each = " each" if row["incumbent_too"] else ""
    return f"{number} more run{'' if number == 1 else 's'}{each}" + (
        "" if price is None else f", {format_dollars(price)}"
    )


def state_difference(comparison: Mapping[str, Any], contest: Contest) -> str:
    """By how much one of two entries is better, in a sentence."""
    challenger, incumbent = comparison["challenger"]["name"], comparison["incumbent"]["name"]
    difference, measure = comparison["difference"][contest.ranked.by], measure_of(contest)
    if difference is None:
        return f"{challenger} and {incumbent} have no {measure.heading} to compare"
    return f"{challenger} is {measure.describe_gain(measure.gain(difference, 0.0))} than {incumbent}"
