"""From probes to findings: which conditions the evidence supports.

    C1  an entry's score moves when only later tokens change
    C2  the probabilities of the vocabulary at one entry do not add up to 1
    C3  they add up to more, and it is no matter of scale: what is scored was learned from the target first
    C4  …and the first eighths of a document move with its last: it was gone through before this score was taken; or a
        target has no score of its own

From outside, a score taken after learning from its own target and a mixture with too much weight look alike where
nothing else moves; then both C2 and C3 are reported, if complete sums show that the surplus has no simpler reason.
"""

from collections.abc import Sequence

import numpy as np

from golf.audit.certificate import Change, Condition, Context, Finding, Sum
from golf.audit.probes.chance import DRAWN, FIRST_SEEN
from golf.audit.probes.vocabulary import OFFERED, weighs
from golf.audit.scorer.bench import not_repeated
from golf.audit.scorer.precision import Precision

NONDETERMINISM = (
    "the same call again",
    "the same call a third time",
    "the same call at the end",
)
MEMORY = "memory"
LARGEST_SCALE = 0.2
"""Losses are not scaled by more than this; what looks so is the same few places over again."""
MUCH = 1.5
"""A sum above this is no matter of a scale near 1 or of a mixture's weights."""
HALF_PRECISION_MEAN = 0.01
"""Where sums scatter around 1 by rounding, their mean is nearer to it than this; a loss scaled by 0.98 is not."""
HALF_PRECISION_SUM = 0.06
"""A sum further from 1 than this is no rounding, not even of a bfloat16 loss of 8 … 16 nats."""


def company_findings(contexts: Sequence[Context]) -> list[Finding]:
    """Whether scores depend on the call they come from, or on the documents beside them."""
    found: list[Finding] = []
    repeats = [one for one in contexts if one.kind in NONDETERMINISM]
    own = max((one.largest for one in repeats if one.beyond), default=0.0)
    if own:
        worst = max((one for one in repeats if one.beyond), key=lambda one: one.largest)
        found.append(not_repeated(worst))
    if memory := [one for one in contexts if one.kind == MEMORY]:
        detail = f"every call on the same documents moves their scores one way, by {memory[0].mean:+.3g} nats a token"
        found.append(_of_context("cross-document", memory[0], f"remembers documents of earlier calls: {detail}"))
    if luck := [one for one in contexts if one.kind == DRAWN and one.beyond]:
        detail = (
            f"tells tokens drawn at random {luck[0].mean:.3g} nats a token better than chance: it has looked at them"
        )
        found.append(_of_context("C2", luck[0], detail))
    if first := [one for one in contexts if one.kind == FIRST_SEEN and one.beyond]:
        detail = (
            f"remembers what it saw first: {first[0].mean:.3g} nats likelier than what came second, in new contexts"
        )
        found.append(_of_context("cross-document", first[0], detail))
    if offers := [one for one in contexts if one.kind == OFFERED and one.beyond]:
        worst = max(offers, key=lambda one: one.largest)
        detail = f"the distribution that it offers is not the one it scores with: {worst.largest:.3g} nats apart"
        found.append(_of_context("C2", worst, detail))
    apart = (*NONDETERMINISM, MEMORY, OFFERED, DRAWN, FIRST_SEEN)
    others = [one for one in contexts if one.kind not in apart and one.beyond]
    if others := [one for one in others if one.largest > 3 * own]:
        worst = max(others, key=lambda one: one.largest)
        kinds = ", ".join(dict.fromkeys(one.kind for one in others))
        detail = f"a score moves by {worst.largest:.3g} nats with the company it is scored in ({kinds})"
        found.append(_of_context("cross-document", worst, detail))
    return found


def future_findings(changes: Sequence[Change], bytes_per_target: float) -> list[Finding]:
    """Whether scores depend on later tokens, or else on the document's length.

    The effect of length is told in BPB, too, where the bytes of text for each target are known, not 0.
    """
    moved = [one for one in changes if one.beyond]
    if future := _later(changes):
        worst = max(future, key=lambda one: one.largest)
        detail = (
            f"changing tokens from entry {worst.changed} on moves earlier scores, entry {worst.position}'s by "
            f"{worst.largest:.3g} nats"
        )
        return [_of_change("C1", worst, detail)]
    if moved:
        worst = max(moved, key=lambda one: one.largest)
        effect = max(abs(one.mean) for one in moved)
        bits = effect / np.log(2)
        bpb = f", {bits / bytes_per_target:.2g} BPB" if bytes_per_target else ""
        detail = (
            f"a document that ends at entry {worst.changed} moves earlier scores, entry {worst.position}'s by "
            f"{worst.largest:.3g} nats; at most {effect:.3g} nats/token on average over a document, "
            f"{bits:.3g} bits/token{bpb}"
        )
        return [_of_change("length", worst, detail)]
    return []


def sum_findings(sums: Sequence[Sum], changes: Sequence[Change], precision: Precision) -> list[Finding]:
    """Whether probabilities add up to 1, and what it means where they do not."""
    off = deviating(sums, precision)
    found: list[Finding] = []
    if not off:
        return found
    worst = max(off, key=lambda one: abs(np.log(max(one.total, 1e-300))))
    later = _later(changes)
    surplus = [one for one in off if one.total > 1]
    how = _explanation(off)
    detail = f"{_amount(worst)} at {len(off)} of {len(sums)} places probed{how and ': ' + how}"
    found.append(_of_sum("C2", worst, detail))
    unexplained = not how and (sum(one.complete for one in off) > 1 or any(one.least > MUCH for one in surplus))
    if surplus and (later or unexplained):
        most = max(surplus, key=lambda one: one.total)
        bits = np.log2(most.total)
        detail = f"{_amount(most)}, {bits:.2f} bits more than there are: the score knows its target before it is taken"
        found += [_of_sum("C3", most, detail), *_second_passes(later)]
    if silent := [one for one in off if one.silent]:
        detail = "the loss is 0 whatever the target: it is not scored"
        found.append(_of_sum("C4", silent[0], detail))
    return found


def luck_findings(contexts: Sequence[Context], changes: Sequence[Change]) -> list[Finding]:
    """Whether luck with tokens drawn at random was learned: where scores move with later tokens, too, it was."""
    luck = [one for one in contexts if one.kind == DRAWN and one.beyond]
    later = _later(changes)
    if not (luck and later):
        return []
    detail = (
        f"tells tokens drawn at random {luck[0].mean:.3g} nats a token better than chance, and its scores move with "
        "later tokens: it learned them before it scored them"
    )
    return [_of_context("C3", luck[0], detail), *_second_passes(later)]


def _later(changes: Sequence[Change]) -> list[Change]:
    """Changes of later tokens, at equal length, that moved a score."""
    return [one for one in changes if one.beyond and one.kind not in ("cut", "grown")]


def _second_passes(later: Sequence[Change]) -> list[Finding]:
    """That a score which knows its target is not of the first pass, where the far end of a document moved its start."""
    far = [one for one in later if _far(one)]
    if not far:
        return []
    most_far = max(far, key=lambda one: one.changed - one.first_moved)
    detail = (
        f"the score of entry {most_far.first_moved} is taken after entry {most_far.changed} was read, and "
        "knows its target: it is not the document's first and only pass"
    )
    return [_of_change("C4", most_far, detail)]


def deviating(sums: Sequence[Sum], precision: Precision) -> list[Sum]:
    """Sums that are not 1, nor off by the scorer's own rounding."""
    off = [one for one in sums if _is_off(one)]
    mean, error = weighs(sums)
    scatter = abs(mean) <= min(3 * error, HALF_PRECISION_MEAN)
    if precision.rough and scatter:
        # Half precision inside: each sum is off by a rounding of its own, to either side.
        off = [one for one in off if abs(one.total - 1) > HALF_PRECISION_SUM]
    return off


def added_up(sums: Sequence[Sum], precision: Precision) -> bool:
    """Whether enough of the sums are complete to tell a scaled loss from rounding: one, in half precision two.

    A partial sum is a lower bound, or an estimate that a few tokens decide: neither shows a scale of 0.98.
    """
    return sum(one.complete for one in sums) >= (2 if precision.rough else 1)


def _is_off(one: Sum) -> bool:
    if one.complete:
        return abs(one.total - 1) > one.tolerance
    return one.least > 1 + one.tolerance


def _explanation(off: Sequence[Sum]) -> str:
    """A scale or a constant surplus that explains every complete sum; empty where none does."""
    complete = [one for one in off if one.complete]
    scales = np.array([one.scale for one in complete])
    totals = np.array([one.total for one in complete])
    if len(complete) < 2:
        return ""
    if totals.max() < MUCH and np.all(np.abs(totals - totals.mean()) <= 0.02 * abs(totals.mean() - 1)):
        return "always the same, a distribution that is not normalized"
    apart = abs(scales.mean() - 1)
    if apart < LARGEST_SCALE and np.all(np.abs(scales - scales.mean()) <= 0.1 * apart):
        return f"the loss is scaled by {scales.mean():.3f}"
    return ""


def _amount(one: Sum) -> str:
    """The sum in words."""
    if one.complete:
        total = f"{one.total:.4g} units"
    elif one.lower_bound > 1 + one.tolerance:
        total = f"at least {one.lower_bound:.4g} units (the sum over {one.tokens} tokens alone)"
    else:
        estimated = f"estimated from {one.tokens} tokens, {one.least:.3g} at least"
        total = f"{one.total:.3g} ± {one.standard_error:.2g} units ({estimated})"
    return f"gives {total} of probability to one token"


def _far(change: Change) -> bool:
    """Whether a change in the last quarter of what was read moved the first quarter."""
    return 0 < change.first_moved <= change.changed / 4


def _of_sum(condition: Condition, one: Sum, detail: str) -> Finding:
    return Finding(condition=condition, document=one.document, position=one.position, measured=one.total, detail=detail)


def _of_change(condition: Condition, one: Change, detail: str) -> Finding:
    return Finding(
        condition=condition, document=one.document, position=one.position, measured=one.largest, detail=detail
    )


def _of_context(condition: Condition, one: Context, detail: str) -> Finding:
    return Finding(
        condition=condition, document=one.document, position=one.position, measured=one.largest, detail=detail
    )
