"""A component of every kind, in which all foreign text is a given one."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from jobs.store import TrialRecord
from sweeps.board.leaderboard import COLUMNS
from sweeps.entries.curves import Curve
from sweeps.views.components.charts.curve_band import prepare_curve_band
from sweeps.views.components.charts.document_pairs import prepare_document_pairs
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.components.charts.interval_dot import RuleLine
from sweeps.views.components.charts.multiplier_heatmap import prepare_multiplier_heatmap
from sweeps.views.components.charts.search_history import prepare_search_history
from sweeps.views.components.charts.seed_pairs import prepare_seed_pairs
from sweeps.views.components.charts.setting_effects import prepare_setting_effects
from sweeps.views.components.drawing import Component
from sweeps.views.components.panels.audit_grid import prepare_audit_grid
from sweeps.views.components.panels.budget_bars import prepare_budget_table
from sweeps.views.components.panels.copy_command import CopyCommand
from sweeps.views.components.panels.diff_table import prepare_diff_table
from sweeps.views.components.panels.entry_table import prepare_entry_table
from sweeps.views.components.panels.provenance import make_download, prepare_provenance
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.sweep_verdict import SweepVerdict

RANGE = json.dumps({"name": "FloatDistribution", "attributes": {"low": 0.1, "high": 10.0, "log": True, "step": None}})


def row(name: str = "a", **changes: Any) -> dict[str, Any]:
    """An entry of the leaderboard of which little is known."""
    known = {
        "name": name, "track": "legal", "rank": 1, "val_bpb_mean": 1.20, "val_bpb_std": 0.01,
        "val_bpb_ci95": (1.18, 1.22), "seeds": {"3": 1.19, "4": 1.20, "5": 1.21}, "findings": [], "source": "golfsweep",
        "sweep": "s", "bytes_total": 15_200_000, "bytes": {"limit": 16_000_000}, "train_seconds": 590.0,
        "eval_seconds": 601.0,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS) | known | changes


def trial(number: int, value: float | None, **parameters: float) -> TrialRecord:
    """A trial of a search."""
    state = "complete" if value is not None else "failed"
    return TrialRecord(
        number=number, parameters=parameters, distributions=dict.fromkeys(parameters, RANGE), state=state, value=value
    )


def change(name: str, bpb: float, date: str | None, **changes: Any) -> dict[str, Any]:
    """A change of the record."""
    nothing = dict.fromkeys(("over", "difference_mbpb", "difference_seeds", "difference_means_mbpb", "p_value"))
    return {"name": name, "sweep": "s", "track": "legal", "date": date, "val_bpb_mean": bpb} | nothing | changes


def curve(seed: int, losses: list[float], owner: str = "base") -> Curve:
    """A training of one recipe, with a loss for each step from 1."""
    points = list(enumerate(losses, 1))
    return Curve(key=f"{seed:064}", label=f"{owner} seed {seed}", recipe=owner, owner=owner, seed=seed, points=points)


def verdict(text: str = "a") -> SweepVerdict:
    """The verdict on a leader that is not shown to beat the baseline."""
    chips = (Chip(title="Record", standing=Rating.WARN, word="NOT SHOWN", detail=text),)
    step = NextStep(sentence=text, command=f"golfsweep compare {text}")
    return SweepVerdict(
        sweep="s", leader=text, score=1.805, std=0.0035, n=3, gain=6.95, baseline=text, baseline_role="baseline",
        chips=chips, next=step,
    )  # fmt: skip


def _documents() -> dict[str, Any]:
    challenger = np.array([1.0, 1.1, 1.2])
    sizes = {"document": np.arange(3), "bytes": np.array([100, 1000, 10_000])}
    return {**sizes, "challenger": challenger, "incumbent": challenger + np.array([0.01, 0.02, -0.01])}


def _table(text: str) -> Component | None:
    finding = {"code": "C1", "detail": text}
    rows = [row(text, findings=[finding], track="flagged", author=text, machine=text, unchecked=[text])]
    line = RuleLine(kind="baseline", label=text, value=1.2)
    return prepare_entry_table(rows, name="t", title=text, baseline=None, baseline_mean=None, lines=[line])


def _audit(text: str) -> Component | None:
    findings = [{"code": "C1", "detail": text}, {"code": text, "detail": text}]
    return prepare_audit_grid([row(text, findings=findings)], {text: {"judged": True}}, {text: "certificate-1"})


def _side(text: str, *scores: float) -> dict[str, Any]:
    return {"known_as": text, "seeds": dict(zip("345", scores, strict=False)) | {text: 1.3}}


EXAMPLES: dict[str, Callable[[str], Component | None]] = {
    "VerdictBar": lambda text: prepare_verdict_bar(verdict(text)),
    "EntryTable": _table,
    "BudgetTable": lambda text: prepare_budget_table([row(text)]),
    "AuditGrid": _audit,
    "DiffTable": lambda text: prepare_diff_table(
        [{"setting": text, "challenger": text, "incumbent": [text]}], (text, text)
    ),
    "Provenance": lambda text: prepare_provenance(
        [(text, text)], {"a": text}, [make_download(text, text, "text/csv", text)]
    ),
    "CopyCommand": lambda text: CopyCommand(command=text),
    "Frontier": lambda text: prepare_frontier(
        [change(text, 1.2, text), change(text, 1.1, "2026-01-02", over=text, track=text)]
    ),
    "SearchHistory": lambda text: prepare_search_history([trial(0, 1.2, **{text: 0.5}), trial(1, None)], 1, text),
    "SettingEffects": lambda text: prepare_setting_effects([trial(number, 1.2, **{text: 0.5}) for number in range(4)]),
    "MultiplierHeatmap": lambda text: prepare_multiplier_heatmap({"eval.multipliers.q.0": 0.5}, text),
    "SeedPairs": lambda text: prepare_seed_pairs(_side(text, 1.0, 1.1), _side(text, 1.2)),
    "DocumentPairs": lambda text: prepare_document_pairs(_documents(), (text, text)),
    "CurveBand": lambda text: prepare_curve_band([curve(1, [3.0, 2.0], text), curve(2, [3.1, 2.2], text)]),
}
"""Component → how to make it of a text."""
