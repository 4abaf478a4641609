"""The parts of a sweep's report, from the store to components."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.store import SweepRecord, TrialRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.compare import document_differences
from sweeps.entries.curves import read_curves
from sweeps.entries.facts import SweepFacts
from sweeps.entries.lost import Lost
from sweeps.entries.reading import pair_of_leader
from sweeps.views.certificates import describe_certificate
from sweeps.views.components.charts.curve_band import prepare_curve_band
from sweeps.views.components.charts.document_pairs import prepare_document_pairs
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.components.charts.multiplier_heatmap import prepare_multiplier_heatmap
from sweeps.views.components.charts.search_history import prepare_search_history
from sweeps.views.components.charts.seed_pairs import prepare_seed_pairs
from sweeps.views.components.charts.setting_effects import prepare_setting_effects
from sweeps.views.components.drawing import Component
from sweeps.views.components.panels.audit_grid import prepare_audit_grid
from sweeps.views.components.panels.budget_bars import prepare_budget_table
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure

MOST_CERTIFICATES = 40
"""Entries whose audit a report shows; `golfsweep show` has the rest."""
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawer:
    """A text that is folded away, with an id to link to."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSection:
    """A part of a page under a heading."""

    name: str
    title: str
    note: str = ""
    figures: tuple[Component, ...] = ()
    """Side by side where there is room."""
    parts: tuple[Component, ...] = ()
    """One below the other."""
    drawers: tuple[Drawer, ...] = ()


def list_sections(
    record: SweepRecord,
    board: Board,
    rows: Rows,
    leader: str | None,
    judged: Mapping[str, Mapping[str, Any]],
    place: Workplace,
    lost: Lost,
) -> Iterator[PageSection]:
    """Every section between the entries and the provenance that has something to show.

    Args:
        record: the sweep.
        board: its leaderboard, of which `rows` are the entries.
        rows: entries, best first within each track.
        leader: name of the sweep's best legal entry.
        judged: certificates by entry.
        place: where its files are.
        lost: collects which of them could not be read.
    """
    changes = [change for change in board.changes() if change["track"] != "flagged"]
    yield from keep_filled(PageSection(name="history", title="History", figures=known(prepare_frontier(changes))))
    yield from keep_filled(show_search(record, place))
    budgets = prepare_budget_table(rows)
    note = "What the worst seed of each entry uses; a bar is full at the limit."
    yield from keep_filled(PageSection(name="limits", title="Limits", note=note, parts=known(budgets)))
    yield from keep_filled(_show_audit(rows, judged))
    if leader is not None:
        yield from keep_filled(_show_pair(board, record.name, leader, place, lost))
    curves = prepare_curve_band(read_curves(record.name, place, lost))
    yield from keep_filled(PageSection(name="trainings", title="Training", figures=known(curves)))


def describe_trial_documents(file: Mapping[str, Any]) -> str:
    """What the trials of a sweep file are scored on, and whether as entries are."""
    proxy = " By the proxy of the file: cheaper than entries run, and not to be compared with their scores."
    cheaper = proxy if (file.get("search") or {}).get("proxy") is not None else ""
    if "script" in file and file["data"].get("validation", "given") == "given":
        return f"On the validation set itself, as the script is given it; only the seeds are others.{cheaper}"
    return f"On tuning documents, which are neither trained on nor part of the validation set.{cheaper}"


def show_search(record: SweepRecord, place: Workplace, measure: Measure = BITS_PER_BYTE) -> PageSection:
    """The trials of a sweep, by their scores in a measure."""
    trials = read_trials(SweepFacts.of(record), place)
    done = [trial for trial in trials if trial.value is not None]
    best = min(done, key=lambda trial: trial.value or 0.0, default=None)
    given = SweepFacts.of(record).given_trials
    history = prepare_search_history(trials, given, describe_trial_documents(record.spec["file"]), measure)
    heatmap = None if best is None else prepare_multiplier_heatmap(best.parameters, f"trial {best.number}")
    effects = prepare_setting_effects(trials)
    figures, parts = known(history, heatmap), known(effects)
    return PageSection(name="search", title="Search", figures=figures, parts=parts)


def _show_audit(rows: Rows, judged: Mapping[str, Mapping[str, Any]]) -> PageSection:
    ranks = {row["name"]: number for number, row in enumerate(rows)}
    shown = sorted(judged, key=lambda entry: ranks.get(entry, len(ranks)))[:MOST_CERTIFICATES]
    links = {entry: f"certificate-{number}" for number, entry in enumerate(shown, 1)}
    drawers = []
    for entry in shown:
        certificate = judged[entry]
        verdict, *lines = describe_certificate(certificate)
        drawers.append(Drawer(name=links[entry], title=f"Certificate of {entry}: {verdict}", text="\n".join(lines)))
    return PageSection(
        name="audit",
        title="Audit",
        note="The audit judges each scorer from outside, on the entry's own artifact. Entries link to certificates.",
        parts=known(prepare_audit_grid(rows[:MOST_CERTIFICATES], judged, links)) if rows else (),
        drawers=tuple(drawers),
    )


def _show_pair(board: Board, sweep: str, leader: str, place: Workplace, lost: Lost) -> PageSection:
    pair = pair_of_leader(board, sweep, leader, place, lost)
    if pair is None:
        return PageSection(name="pairs", title="")
    names = leader, pair.incumbent.name_within(sweep)
    sides = [
        {"known_as": name, "seeds": dict(entry.seeds)}
        for name, entry in zip(names, (pair.challenger, pair.incumbent), strict=True)
    ]
    documents = document_differences(pair)
    figures = known(
        prepare_seed_pairs(sides[0], sides[1]), None if documents is None else prepare_document_pairs(documents, names)
    )
    return PageSection(name="pairs", title=f"{names[0]} against {names[1]}", figures=figures)


def read_trials(facts: SweepFacts, place: Workplace) -> list[TrialRecord]:
    """Trials of the sweep's search; an earlier, longer one may have drawn more."""
    if facts.search is None:
        return []
    return [trial for trial in place.store.trials(facts.name, facts.search) if trial.number < facts.trials]


def known(*components: Component | None) -> tuple[Component, ...]:
    """Those components that have something to show."""
    return tuple(component for component in components if component is not None)


def keep_filled(section: PageSection) -> list[PageSection]:
    """The section, if it has anything to show."""
    return [section] if section.figures or section.parts or section.drawers else []
