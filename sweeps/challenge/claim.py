"""The claim that a challenge tests: an entry of an own sweep is better than the entry that its verdict is against."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.compare import check
from sweeps.board.entries import BoardEntry
from sweeps.board.margin_rules import MARGIN_RULES, PROFILE_RULES
from sweeps.board.pairs.pair import explain_no_spread
from sweeps.board.pairs.seed_test import pair_by_training
from sweeps.board.rules import Published
from sweeps.entries.facts import SweepFacts
from sweeps.entries.names import list_entries, match_entries
from sweeps.entries.reading import board_of, find_entry, former_of, read_entry
from sweeps.statistics import Noise
from sweeps.statistics.replication import likely_spread

DIGESTS = ("train_digest", "val_digest", "tokenizer_digest")
"""What two sweeps must have in common, so that one sweep can measure entries of both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengedClaim:
    """An entry, what it claims to be better than, and what is known of both."""

    entry: BoardEntry
    record: SweepRecord
    """The entry's sweep."""
    against: BoardEntry | Published
    settings: Mapping[str, Any]
    """Every setting of the entry's recipe, as nested tables."""
    against_settings: Mapping[str, Any] | None
    """Those of an opponent that an own sweep measured; None of public numbers, which cannot have more seeds."""
    gain: float
    """In bits per byte."""
    margin: float
    """Of the sweep's profile, in bits per byte."""
    noise: Noise
    """By deviations that the true ones are likely to stay below."""

    @property
    def name(self) -> str:
        """Of the entry, with its sweep."""
        return f"{self.entry.sweep}/{self.entry.name}"

    @property
    def against_name(self) -> str:
        """Of the opponent."""
        if isinstance(self.against, Published):
            return "published baseline"
        return self.against.name if not self.against.sweep else f"{self.against.sweep}/{self.against.name}"


def read_claim(name: str, place: Workplace) -> ChallengedClaim:
    """Read the claim of an entry.

    Args:
        name: SWEEP/ENTRY, or ENTRY of the latest sweep that is no challenge itself.
        place: the home that holds it.

    Raises:
        InputError: there is no such entry, or it claims nothing that fresh seeds could test; says why.
    """
    record = _find_sweep(name, place)
    board = board_of(record.name, place)
    return claim_of(name, find_entry(name, board.entries(), record.name, former_of(place)), board, record, place)


def claim_of(name: str, entry: BoardEntry, board: Board, record: SweepRecord, place: Workplace) -> ChallengedClaim:
    """The claim of an entry of a leaderboard.

    Args:
        name: of the entry, for errors.
        entry: of the sweep whose leaderboard it is.
        board: the leaderboard.
        record: the sweep.
        place: the home that holds it.

    Raises:
        InputError: it claims nothing that fresh seeds could test; says why.
    """
    if entry.source != "golfsweep":
        raise InputError(f"{name}: a public record, whose recipe cannot be run here; name an entry of an own sweep")
    if entry.track == "flagged":
        raise InputError(f"{name}: is flagged and claims nothing; golfsweep show {entry.sweep}/{entry.name} says why")
    settings = _settings_of(entry, place)
    if "train" not in settings:
        raise InputError(f"{name}: is of a script; a challenge can run entries of golfsweep's own recipe alone")
    against = _find_opponent(name, entry, board)
    theirs = _settings_of(against, place) if isinstance(against, BoardEntry) and against.source == "golfsweep" else None
    if theirs is not None:
        assert isinstance(against, BoardEntry)
        if "train" not in theirs:
            raise InputError(
                f"{name}: its opponent {against.sweep}/{against.name} is of a script, which a challenge cannot run"
            )
        _check_same_data(record, place.store.sweep(against.sweep))
    gain, noise = measure_gain(
        entry, against, shares_training=theirs is not None and theirs["train"] == settings["train"]
    )
    if noise.challenger == 0:
        raise InputError(f"{name}: all of its seeds gave the same score, so their noise is unknown")
    margin = MARGIN_RULES[PROFILE_RULES[SweepFacts.of(record).rules]].margin_bpb(entry.bpb_per_nat)
    assert margin is not None  # the unit of an own sweep's validation set is known
    claim = ChallengedClaim(
        entry=entry,
        record=record,
        against=against,
        settings=settings,
        against_settings=theirs,
        gain=gain,
        margin=margin,
        noise=noise,
    )
    if gain <= margin:
        beyond = f"more than the margin of {1000 * margin:.3g} mBPB" if margin else "better at all"
        raise InputError(
            f"{name}: claims no gain to challenge: {1000 * gain:+.3g} mBPB over {claim.against_name}; expected {beyond}"
        )
    return claim


def _find_sweep(name: str, place: Workplace) -> SweepRecord:
    before, slash, _ = name.partition("/")
    if slash and (stored := place.store.sweep(before)) is not None:
        return stored
    sweeps = [sweep for sweep in place.store.sweeps() if "challenge" not in sweep.spec["file"]]
    if not sweeps:
        raise InputError(f"{name}: there is no sweep in {place.home.root}; start one with golfsweep run FILE")
    of_others = match_entries(name, list_entries(place), sweeps[-1].name) if slash else []
    named = {entry.sweep for entry in of_others}
    return next((sweep for sweep in sweeps if named == {sweep.name}), sweeps[-1])


def _find_opponent(name: str, entry: BoardEntry, board: Board) -> BoardEntry | Published:
    against = board.opponent_of(entry)
    if against is None:
        raise InputError(
            f"{name}: no entry came before it and it is the baseline, so it claims to be better than nothing"
        )
    if isinstance(against, BoardEntry):
        check(entry, against)
        if (why := explain_no_spread(entry, against)) is not None:
            raise InputError(f"{name}: {why}; measure it on more seeds first")
    elif not entry.has_spread:
        raise InputError(f"{name}: has one seed, so its noise is unknown; measure it on more seeds first")
    return against


def _settings_of(entry: BoardEntry, place: Workplace) -> Mapping[str, Any]:
    stored = read_entry(entry.sweep, entry.name, place)
    assert stored is not None  # it is on the board
    settings: Mapping[str, Any] = stored.content["settings"]
    return settings


def _check_same_data(ours: SweepRecord, theirs: SweepRecord | None) -> None:
    assert theirs is not None  # its entry is on the board
    differing = [name for name in DIGESTS if ours.spec["data"][name] != theirs.spec["data"][name]]
    if differing:
        what = ", ".join(name.removesuffix("_digest") for name in differing)
        raise InputError(
            f"{ours.name} and {theirs.name}: have other data ({what}), so no sweep can measure both entries; run their "
            f"recipes as arms of one sweep first"
        )


def measure_gain(entry: BoardEntry, against: BoardEntry | Published, *, shares_training: bool) -> tuple[float, Noise]:
    """The claimed gain in bits per byte, and the noise of a fresh difference.

    Args:
        entry: with at least two seeds.
        against: likewise, or published numbers.
        shares_training: whether a challenge would evaluate both on the same trainings.
    """
    ours = entry.moments
    assert ours is not None
    own = likely_spread(ours.std, ours.n)
    if isinstance(against, Published):
        if against.std is None or against.n is None or not against.has_spread:
            return against.mean - ours.mean, Noise(challenger=own)
        known = likely_spread(against.std, against.n)
        return against.mean - ours.mean, Noise(challenger=own, incumbent=known, incumbent_seeds=against.n)
    theirs = against.moments
    assert theirs is not None
    other = likely_spread(theirs.std, theirs.n)
    if shares_training:
        differences = pair_by_training(entry, against)
        if differences is not None:
            return -differences.mean, Noise(challenger=likely_spread(differences.std, differences.n))
        # measured on other trainings so far: at most the noise of both
        return theirs.mean - ours.mean, Noise(challenger=math.hypot(own, other))
    fixed = None if against.source == "golfsweep" else theirs.n
    return theirs.mean - ours.mean, Noise(challenger=own, incumbent=other, incumbent_seeds=fixed)
