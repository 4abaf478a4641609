"""From probes to findings: which conditions the evidence shows to be violated.

    C1  the loss at a position changes if only later tokens change
    C2  the probabilities of the vocabulary at one position do not sum to 1
    C3  they sum to more, and a scaled loss does not explain it: the scorer learned the target before scoring it
    C4  …and changing the end of a document changes losses in its first quarter: the scorer read the document before
        it took this score; or a target is not scored at all

From outside, a score taken after learning its own target looks like a mixture with too much weight if nothing else
changes. Then both C2 and C3 are reported, if complete sums exclude simpler reasons for the excess.
"""

from collections.abc import Sequence

import numpy as np

from golf.audit.certificate import (
    LENGTH_KINDS,
    MAX_LENGTH_EFFECT_NATS,
    Comparison,
    Condition,
    Finding,
    FutureChange,
    VocabularySum,
    largest_length_effect,
)
from golf.audit.probes.neighbors import MEMORY, REPEATED
from golf.audit.probes.random_tokens import FIRST_SEEN, RANDOM_TOKENS
from golf.audit.probes.second_process import SECOND_PROCESS
from golf.audit.probes.vocabulary import DECLARED, mean_excess
from golf.audit.scorer.precision import Precision
from golf.audit.scorer.session import not_repeatable

MAX_LOSS_SCALE_OFFSET = 0.2
"""No entry scales its loss by more than this; sums that suggest it come from the same few positions."""
LARGE_SUM = 1.5
"""Neither a loss scale near 1 nor the weights of a mixture explain a sum above this."""
SAME_SHARE = 0.02
"""Deviations from 1 that differ by no more than this share of their mean are the same."""
MIN_DEFICITS, MAX_DEFICIT = 2, 0.05
"""Complete sums that must show that none exceeds 1, and the most that a padded vocabulary may take of one."""
HALF_PRECISION_MEAN = 0.01
"""If sums scatter around 1 by rounding, their mean is nearer to 1 than this; that of a loss scaled by 0.98 is not."""
HALF_PRECISION_SUM = 0.06
"""No rounding takes a sum further from 1 than this, not even that of a bfloat16 loss of 8 … 16 nats."""


def comparison_findings(comparisons: Sequence[Comparison]) -> list[Finding]:
    """Findings on losses that differ between calls, with neighbors, or from what chance allows."""
    findings: list[Finding] = []
    exceeding = [comparison for comparison in comparisons if comparison.exceeds_tolerance]
    repeated = [comparison for comparison in exceeding if comparison.kind in REPEATED]
    repeat_noise = max((comparison.largest for comparison in repeated), default=0.0)
    if repeat_noise:
        findings.append(not_repeatable(_worst(repeated)))
    if memory := [comparison for comparison in comparisons if comparison.kind == MEMORY]:
        shift = f"each repeated call shifts the losses of the same documents by {memory[0].mean:+.3g} nats per token"
        findings.append(_of_comparison("cross-document", memory[0], f"remembers documents of earlier calls: {shift}"))
    if lucky := [comparison for comparison in exceeding if comparison.kind == RANDOM_TOKENS]:
        detail = f"{_luck(lucky[0])}: it has read them before"
        findings.append(_of_comparison("C2", lucky[0], detail))
    if first := [comparison for comparison in exceeding if comparison.kind == FIRST_SEEN]:
        gain = f"in new contexts it scores the first continuation {first[0].mean:.3g} nats better than the second"
        findings.append(_of_comparison("cross-document", first[0], f"remembers what it scored first: {gain}"))
    if declared := [comparison for comparison in exceeding if comparison.kind == DECLARED]:
        worst = _worst(declared)
        detail = f"distribution() differs from the returned losses by {worst.largest:.3g} nats; they must agree"
        findings.append(_of_comparison("C2", worst, detail))
    special = (*REPEATED, MEMORY, DECLARED, RANDOM_TOKENS, FIRST_SEEN, SECOND_PROCESS)
    if second := [comparison for comparison in exceeding if comparison.kind == SECOND_PROCESS]:
        where = "in a second process, whose first call was another one"
        detail = f"{where}, a loss differs by {second[0].largest:.3g} nats: it learns from calls"
        findings.append(_of_comparison("cross-document", second[0], detail))
    others = [comparison for comparison in exceeding if comparison.kind not in special]
    if others := [comparison for comparison in others if comparison.largest > 3 * repeat_noise]:
        worst = _worst(others)
        kinds = ", ".join(dict.fromkeys(comparison.kind for comparison in others))
        detail = f"the other documents of a call change a loss by {worst.largest:.3g} nats ({kinds})"
        findings.append(_of_comparison("cross-document", worst, detail))
    return findings


def future_findings(changes: Sequence[FutureChange], bytes_per_target: float) -> list[Finding]:
    """Findings on losses that depend on later tokens, or else on the document's length.

    Args:
        changes: all changes probed.
        bytes_per_target: UTF-8 bytes of text per target, for the effect of length in BPB; 0 if unknown.
    """
    if future := _future_leaks(changes):
        worst = max(future, key=lambda change: change.largest)
        detail = (
            f"changing tokens from position {worst.changed} on changed the loss at position {worst.position} by "
            f"{worst.largest:.3g} nats"
        )
        return [_of_change("C1", worst, detail)]
    if moved := [change for change in changes if change.exceeds_tolerance]:
        worst = max(moved, key=lambda change: change.largest)
        effect = largest_length_effect(moved)
        bits = effect / np.log(2)
        bpb = f", {bits / bytes_per_target:.2g} BPB" if bytes_per_target else ""
        over = f" ({MAX_LENGTH_EFFECT_NATS:g} is allowed)" if effect > MAX_LENGTH_EFFECT_NATS else ""
        how = "cutting the document at" if worst.kind == "cut" else "extending the document from"
        detail = (
            f"{how} position {worst.changed} changed the loss at position {worst.position} by "
            f"{worst.largest:.3g} nats; at most {effect:.3g} nats/token on average over a document{over}, "
            f"{bits:.3g} bits/token{bpb}"
        )
        return [_of_change("length", worst, detail)]
    return []


def sum_findings(sums: Sequence[VocabularySum], changes: Sequence[FutureChange], precision: Precision) -> list[Finding]:
    """Findings on probabilities that do not sum to 1."""
    wrong = wrong_sums(sums, precision)
    if not wrong:
        return []
    excess = [probe for probe in wrong if probe.total > 1]
    worst = max(excess or wrong, key=lambda probe: abs(np.log(max(probe.total, 1e-300))))
    future = _future_leaks(changes)
    reason = _simple_reason(wrong)
    where = f"at {len(wrong)} of {len(sums)} positions probed{reason and ': ' + reason}"
    findings = [_of_sum("C2", worst, f"{_describe(worst)}; they must sum to 1 ({where})")]
    certain = sum(probe.complete for probe in wrong) > 1
    unexplained = not reason and (certain or any(probe.confident_minimum > LARGE_SUM for probe in excess))
    if excess and (future or unexplained):
        largest = max(excess, key=lambda probe: probe.total)
        gained = f"{np.log2(largest.total):.2f} bits come from knowing the target before scoring it"
        findings += [_of_sum("C3", largest, f"{_describe(largest)}: {gained}"), *_second_pass_findings(future)]
    if unscored := [probe for probe in wrong if probe.always_zero]:
        detail = "the loss is 0 for every token of the vocabulary: this position is not scored"
        findings.append(_of_sum("C4", unscored[0], detail))
    return findings


def random_token_findings(comparisons: Sequence[Comparison], changes: Sequence[FutureChange]) -> list[Finding]:
    """If random tokens were predicted better than chance and losses depend on later tokens: learned before scored."""
    lucky = [probe for probe in comparisons if probe.kind == RANDOM_TOKENS and probe.exceeds_tolerance]
    future = _future_leaks(changes)
    if not (lucky and future):
        return []
    detail = f"{_luck(lucky[0])}, and its losses depend on later tokens: it learned them before scoring them"
    return [_of_comparison("C3", lucky[0], detail), *_second_pass_findings(future)]


def wrong_sums(sums: Sequence[VocabularySum], precision: Precision) -> list[VocabularySum]:
    """Sums that differ from 1 by more than the scorer's rounding; a deficit alone gives nothing away."""
    wrong = [probe for probe in sums if _exceeds_tolerance(probe)]
    if find_deficit(sums) is not None:
        wrong = [probe for probe in wrong if probe.total > 1]
    mean, error = mean_excess(sums)
    scatters = abs(mean) <= min(3 * error, HALF_PRECISION_MEAN)
    if precision.rough and scatters:
        # Computed in half precision: rounding takes each sum off 1, in either direction.
        wrong = [probe for probe in wrong if abs(probe.total - 1) > HALF_PRECISION_SUM]
    return wrong


def find_deficit(sums: Sequence[VocabularySum]) -> tuple[float, float] | None:
    """The least and the largest complete sum if some lack a little of 1 and none exceeds it, as of a padded vocabulary.

    Then S(prefix) = Σ_v exp(−NLL(prefix, v)) ≤ 1, so exp(−NLL) is a distribution over the next token in which some
    probability goes to none, whatever was read to compute it: it only costs. None where sums are whole, where one
    lacks more than `MAX_DEFICIT`, which is no full distribution, and where a scaled loss explains them all.
    """
    complete = [probe for probe in sums if probe.complete]
    lacking = [probe for probe in complete if probe.total < 1 and _exceeds_tolerance(probe)]
    above = any(probe.total > 1 and _exceeds_tolerance(probe) for probe in sums)
    if len(complete) < MIN_DEFICITS or not lacking or above or any(probe.always_zero for probe in complete):
        return None
    totals = [probe.total for probe in complete]
    same = max(totals) - min(totals) <= SAME_SHARE * (1 - min(totals)) + max(probe.tolerance for probe in complete)
    scaled = not same and _is_scaled(complete)
    return None if scaled or 1 - min(totals) > MAX_DEFICIT else (min(totals), max(totals))


def has_enough_complete_sums(sums: Sequence[VocabularySum], precision: Precision) -> bool:
    """Whether enough sums are complete to tell a scaled loss from rounding: one, or two in half precision.

    A partial sum is a lower bound or a noisy estimate: neither shows a loss scaled by 0.98.
    """
    return sum(probe.complete for probe in sums) >= (2 if precision.rough else 1)


def _future_leaks(changes: Sequence[FutureChange]) -> list[FutureChange]:
    """Changes of later tokens at equal length that changed an earlier loss."""
    return [change for change in changes if change.exceeds_tolerance and change.kind not in LENGTH_KINDS]


def _second_pass_findings(future: Sequence[FutureChange]) -> list[Finding]:
    """C4 for a score that knows its target, if a change near a document's end changed a loss near its start."""
    far = [change for change in future if _spans_document(change)]
    if not far:
        return []
    farthest = max(far, key=lambda change: change.changed - change.first_moved)
    detail = (
        f"the loss at position {farthest.first_moved} was computed after position {farthest.changed} was read, and "
        "uses its own target: this is not the first and only pass over the document"
    )
    return [_of_change("C4", farthest, detail)]


def _exceeds_tolerance(probe: VocabularySum) -> bool:
    if probe.complete:
        return abs(probe.total - 1) > probe.tolerance
    return probe.confident_minimum > 1 + probe.tolerance


def _simple_reason(wrong: Sequence[VocabularySum]) -> str:
    """A loss scale or a constant factor that explains every complete sum; empty if there is none."""
    complete = [probe for probe in wrong if probe.complete]
    totals = np.array([probe.total for probe in complete])
    if len(complete) < 2:
        return ""
    if totals.max() < LARGE_SUM and np.all(np.abs(totals - totals.mean()) <= SAME_SHARE * abs(totals.mean() - 1)):
        return "always the same sum, so the distribution is not normalized"
    if _is_scaled(complete):
        return f"the loss is scaled by {np.mean([probe.scale for probe in complete]):.3f}"
    return ""


def _is_scaled(complete: Sequence[VocabularySum]) -> bool:
    """Whether one factor on the loss explains all complete sums."""
    scales = np.array([probe.scale for probe in complete])
    offset = abs(scales.mean() - 1)
    return bool(offset < MAX_LOSS_SCALE_OFFSET and np.all(np.abs(scales - scales.mean()) <= 0.1 * offset))


def _describe(probe: VocabularySum) -> str:
    if probe.complete:
        return f"probabilities sum to {probe.total:.4g}"
    if probe.lower_bound > 1 + probe.tolerance:
        return f"probabilities of {probe.tokens} tokens alone sum to {probe.lower_bound:.4g}"
    estimate = f"{probe.total:.3g} ± {probe.standard_error:.2g}"
    bound = f"estimated from {probe.tokens} tokens, at least {probe.confident_minimum:.3g}"
    return f"probabilities sum to {estimate} ({bound})"


def _luck(comparison: Comparison) -> str:
    return f"predicts uniformly random tokens {comparison.mean:.3g} nats per token better than chance"


def _spans_document(change: FutureChange) -> bool:
    """Whether a change moved a loss in the first quarter of what comes before it."""
    return 0 < change.first_moved <= change.changed / 4


def _worst(comparisons: Sequence[Comparison]) -> Comparison:
    return max(comparisons, key=lambda comparison: comparison.largest)


def _of_sum(condition: Condition, probe: VocabularySum, detail: str) -> Finding:
    return Finding(
        condition=condition, document=probe.document, position=probe.position, measured=probe.total, detail=detail
    )


def _of_change(condition: Condition, change: FutureChange, detail: str) -> Finding:
    return Finding(
        condition=condition, document=change.document, position=change.position, measured=change.largest, detail=detail
    )


def _of_comparison(condition: Condition, comparison: Comparison, detail: str) -> Finding:
    return Finding(
        condition=condition,
        document=comparison.document,
        position=comparison.position,
        measured=comparison.largest,
        detail=detail,
    )
