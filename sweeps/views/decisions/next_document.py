"""What to do next in a sweep, as plain data and in lines: what `golfsweep next` prints."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from golf.errors import InputError, shown_name
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.ledger import TriesLedger
from sweeps.challenge.past import read_challenges
from sweeps.contests.catalog import DEFAULT
from sweeps.entries.facts import contest_of
from sweeps.entries.reading import board_of, owners_of
from sweeps.views.brief.fitting import fit
from sweeps.views.decisions.candidates import Candidate, decide_entries, sort_candidates
from sweeps.views.decisions.contest_candidates import describe_contest
from sweeps.views.decisions.decision import DecisionWord
from sweeps.views.decisions.priced_step import PricedStep, settle_candidate
from sweeps.views.status import current_state
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.read_verdict import read_verdict

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning."""
MOST_PLANNED = 5
"""Candidates whose challenge is designed: after one that no affordable challenge settles, the following one."""


def describe_next(sweep: str | None, place: Workplace, home_options: str = "") -> dict[str, Any]:
    """The decision on each entry of a sweep, and the next step for the most promising one, within 2 kB.

    Args:
        sweep: its name, by default the latest that is no challenge; of a challenge, that of the challenged entry.
        place: the home.
        home_options: what was typed to reach it, e.g. `--home /data/sweeps`.

    Raises:
        InputError: there is no such sweep, or another version of golfsweep wrote it.
    """
    record = _find_sweep(sweep, place)
    facts = {"schema_version": SCHEMA_VERSION, "sweep": record.name, "state": current_state(record, place.store)}
    if contest_of(record) != DEFAULT:
        return fit(facts | describe_contest(record, place, home_options), ["candidates"])
    board, words = board_of(record.name, place), words_for(record.name, place, home_options)
    challenges = read_challenges(place.store.sweeps(), board.entries())
    candidates = decide_entries(board, record.name, baseline_of(record.name, place), challenges)
    step = None
    for _ in range(min(MOST_PLANNED, len(candidates))):
        settled, step = settle_candidate(candidates[0], board, record, place, words)
        is_left = settled.decision.word == candidates[0].decision.word
        candidates = sort_candidates([settled, *candidates[1:]])
        if is_left:
            break
    focus = candidates[0] if candidates and step is not None else None
    if focus is None or focus.entry.track == "flagged":
        verdict = read_verdict(record.name, board.table(), place, home_options).next
        focus, step = None, PricedStep(sentence=verdict.sentence, command=verdict.command)
    counts = {word.value: sum(each.decision.word == word for each in candidates) for word in DecisionWord}
    ledger = TriesLedger(board.entries(), owners_of(place))
    return fit(
        facts
        | _describe_focus(focus, ledger)
        | {"next": asdict(step) if step is not None else None, "best": _find_best(board, record, candidates, place)}
        | {"counts": counts, "candidates": [_describe(each) for each in candidates]},
        ["candidates", "tried_by"],
    )


def list_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document for people."""
    if document["entry"] is None:
        yield f"{document['sweep']}: no entry to decide on"
    else:
        against = f" against {document['against']}" if document["against"] else ""
        yield f"{document['sweep']}: {document['decision']} {document['entry']}{against}: {document['why']}"
    yield f"Next: {document['next']['sentence']}"
    if document["next"]["command"] is not None:
        yield f"  {document['next']['command']}"
    best = document["best"]
    yield f"Best to start from: {best['entry']} ({best['role']})" if best else "Best to start from: none yet"
    for candidate in document["candidates"]:
        yield f"  {candidate['decision']:<9}  {candidate['entry']}  {candidate['why']}"
    if hidden := document["left_out"].get("candidates"):
        yield f"  and {hidden} more"


def _find_sweep(name: str | None, place: Workplace) -> SweepRecord:
    records = {record.name: record for record in place.store.sweeps()}
    own = [record for record in records.values() if "challenge" not in record.spec["file"]]
    if name is None:
        if not own:
            raise InputError(f"{place.home.root}: there is no sweep yet; start one with golfsweep run FILE")
        return own[-1]
    if name not in records:
        known = ", ".join(records) or "none yet"
        raise InputError(f'no sweep "{shown_name(name)}" in {place.home.root}; there are: {known}')
    challenged = records[name].spec["file"].get("challenge", {}).get("entry", "").partition("/")[0]
    return records.get(challenged, records[name])


def _describe_focus(focus: Candidate | None, ledger: TriesLedger) -> dict[str, Any]:
    """The decision on the most promising candidate."""
    if focus is None:
        names = ("decision", "entry", "against", "why", "gain_mbpb", "p", "p_tries", "tries", "tried_by", "challenge")
        return dict.fromkeys(names)
    numbers = focus.numbers
    tried_by = [{key: part[key] for key in ("who", "sweep", "settings")} for part in ledger.tries(focus.entry).by]
    return {
        "decision": focus.decision.word.value,
        "entry": focus.entry.name,
        "against": focus.against_name,
        "why": focus.decision.why,
        "gain_mbpb": None if numbers is None else 1000 * numbers.gain,
        "p": None if numbers is None else numbers.p,
        "p_tries": None if numbers is None else numbers.p_tries,
        "tries": None if numbers is None else numbers.tries,
        "tried_by": tried_by,
        "challenge": None if focus.challenge is None else asdict(focus.challenge),
    }


def _describe(candidate: Candidate) -> dict[str, Any]:
    return {
        "entry": candidate.entry.name,
        "decision": candidate.decision.word.value,
        "gain_mbpb": None if candidate.numbers is None else 1000 * candidate.numbers.gain,
        "p_tries": None if candidate.numbers is None else candidate.numbers.p_tries,
        "why": candidate.decision.why,
    }


def _find_best(
    board: Board, record: SweepRecord, candidates: list[Candidate], place: Workplace
) -> dict[str, Any] | None:
    """The entry to start the next change from: what is kept, else the baseline; never one that is flagged."""
    kept = [each.entry for each in candidates if each.decision.word == DecisionWord.KEEP]
    name = baseline_of(record.name, place)
    base = [entry for entry in board.entries() if (entry.sweep, entry.name) == (record.name, name)]
    roles = [*((entry, "kept") for entry in kept), *((entry, "baseline") for entry in base)]
    for entry, role in roles:
        if entry.track != "flagged" and entry.moments is not None:
            return {"entry": entry.name, "role": role, "value": entry.moments.mean}
    return None
