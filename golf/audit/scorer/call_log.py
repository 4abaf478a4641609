"""A log of scorer calls, kept so that a call can be repeated before its losses count as evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from golf.audit.scorer.checked_scorer import Floats, Tokens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScorerCall:
    """The input and output of one call."""

    documents: Sequence[Tokens]
    numbers: Sequence[int]
    """The documents' numbers in the certificate."""
    losses: Sequence[Floats]

    def returned_any(self, ids: set[int]) -> bool:
        """Whether the call returned any of some arrays, given by `id()`."""
        return any(id(array) in ids for array in self.losses)


@dataclass(slots=True, kw_only=True)
class CallLog:
    """The calls of the current probe and those that produced the reference losses, without any already repeated."""

    calls: list[ScorerCall] = field(default_factory=list)
    confirmed: set[str] = field(default_factory=set)
    """Kinds of evidence whose first instance was confirmed by repeating its calls."""

    def start_probe(self, reference: Sequence[Floats]) -> None:
        """Drop the calls of the previous probe; keep those that produced the reference losses."""
        kept = {id(array) for array in reference}
        self.calls = [call for call in self.calls if call.returned_any(kept)]

    def take_unconfirmed(self, kind: str, losses: Sequence[Floats], reference: Sequence[Floats]) -> list[ScorerCall]:
        """Remove and return the calls to repeat before the first evidence of a kind counts, latest first.

        These are the calls that returned `losses`; if none are given, all calls of the current probe. Only the first
        evidence of each kind needs this: later ones return an empty list.
        """
        if kind in self.confirmed:
            return []
        self.confirmed.add(kind)
        named, known = {id(array) for array in losses}, {id(array) for array in reference}
        taken = [call for call in self.calls if (call.returned_any(named) if named else not call.returned_any(known))]
        self.calls = [call for call in self.calls if call not in taken]
        return taken[::-1]
