"""What calls gave, kept as long as evidence may rest on it: the same call can be made again before it counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from golf.audit.scorer.black_box import Floats, Tokens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """What one call was given, and what came of it."""

    documents: Sequence[Tokens]
    numbers: Sequence[int]
    """The documents' in the certificate."""
    losses: Sequence[Floats]

    def gave(self, losses: set[int]) -> bool:
        """Whether any of some losses, by their identity, came of it."""
        return any(id(one) in losses for one in self.losses)


@dataclass(slots=True, kw_only=True)
class Journal:
    """The calls of the probe of the moment and those that gave the reference, but for any that were repeated."""

    calls: list[Call] = field(default_factory=list)
    confirmed: set[str] = field(default_factory=set)
    """Kinds of evidence of which the first has been confirmed."""

    def settle(self, reference: Sequence[Floats]) -> None:
        """Forget the calls of the probe before, but for those that gave the reference."""
        kept = {id(one) for one in reference}
        self.calls = [call for call in self.calls if call.gave(kept)]

    def unconfirmed(self, kind: str, losses: Sequence[Floats], reference: Sequence[Floats]) -> list[Call]:
        """Calls to repeat before the first evidence of a kind counts, the last one first; from then on none.

        Those that gave the losses; all of the probe of the moment, but for the reference's, where no losses are named.
        """
        if kind in self.confirmed:
            return []
        self.confirmed.add(kind)
        named, known = {id(one) for one in losses}, {id(one) for one in reference}
        found = [call for call in self.calls if (call.gave(named) if named else not call.gave(known))]
        self.calls = [call for call in self.calls if call not in found]
        return found[::-1]
