"""Vocabulary sums: put every token in turn at one position and add up the probabilities that the scorer gives them.

    S_t = Σ_v exp(−NLL_t(prefix, v, rest))

A scorer that fixes a distribution before it reads the target gives 1; otherwise its score gained log2 S_t bits from the
target. If the whole vocabulary costs too much, the sum is taken over the likeliest tokens of the documents and a random
sample of the others. The sum over the tokens tried is a lower bound; with the sample weighted up to all tokens that it
represents, the sum is an unbiased estimate (Horvitz and Thompson 1952).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golf.audit.certificate import Comparison, FutureChange, VocabularySum
from golf.audit.probes.betting_bound import RARE_ERROR_PROBABILITY, mean_lower_bound
from golf.audit.probes.future import compare_before
from golf.audit.scorer.checked_scorer import Floats, Tokens
from golf.audit.scorer.session import AuditSession

ZERO_LOSS_NATS = 1e-3
"""If every token of the vocabulary has a lower loss than this, the position is not scored."""
DECLARED = "the distribution that it offers"
"""Kind of comparison between declared distribution and returned losses, as stored in certificates."""
CHECKED_TOKENS = 4
"""Random tokens at which a declared distribution is compared with the returned losses."""
MIN_PROBABILITY = 1e-300
MIN_SAMPLED = 8
"""With fewer random tokens a partial sum is only a lower bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SumProbe:
    """The result of one vocabulary sum."""

    sum: VocabularySum
    change: FutureChange | None
    """The largest difference before the position over all tokens tried; None at position 1."""
    true_token: Comparison | FutureChange
    """The unchanged document, scored among the variants, against the reference."""


def sum_vocabulary(
    session: AuditSession, index: int, position: int, *, tokens: Tokens | None = None, cut: bool = False
) -> SumProbe:
    """Add up the probabilities at a position of a document.

    Args:
        session: the audit.
        index: the document.
        position: 1 … n − 1.
        tokens: the tokens to try, half of them the likeliest, then as many random ones; all by default.
        cut: whether to cut documents after the position; allowed only if their length does not matter.
    """
    true = int(session.documents[index].tokens[position])
    all_tokens = np.arange(session.vocab_size) if tokens is None else np.unique(np.append(tokens, true))
    tried = try_tokens(session, index, position, all_tokens, cut=cut)
    return tried.with_sum(_sum(session, index, position, all_tokens, tried.nll_V, tokens))


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedTokens:
    """The losses of some tokens, the true one among them, each put at one position."""

    nll_V: Floats
    """The loss of each token there, in the order tried."""
    change: FutureChange | None
    true_token: Comparison | FutureChange

    def with_sum(self, total: VocabularySum) -> SumProbe:
        """These losses with the sum computed from them."""
        return SumProbe(sum=total, change=self.change, true_token=self.true_token)


def try_tokens(session: AuditSession, index: int, position: int, tokens: Tokens, *, cut: bool) -> TriedTokens:
    """Score a document with each token at a position; with `cut`, the document ends there."""
    session.start_probe()
    document = session.documents[index].tokens
    variants = np.repeat(document[None, : position + 1] if cut else document[None], len(tokens), axis=0)
    variants[:, position] = tokens
    losses = session.score_variants(index, list(variants))
    true = int(np.flatnonzero(tokens == document[position])[0])
    true_token: Comparison | FutureChange
    if cut:
        true_token = compare_before(session, index, "cut", position + 1, losses[true])
    else:
        true_token = session.compare("among its own variants", [index], [losses[true]], [session.reference[index]])
    changes = [compare_before(session, index, "token", position, array) for array in losses] if position > 1 else []
    return TriedTokens(
        nll_V=np.array([array[position - 1] for array in losses]),
        change=max(changes, key=lambda change: (change.exceeds_tolerance, change.largest), default=None),
        true_token=true_token,
    )


def _sum(
    session: AuditSession, index: int, position: int, tried: Tokens, nll_V: Floats, tokens: Tokens | None
) -> VocabularySum:
    p_V = np.exp(-nll_V)
    lower = total = minimum = float(p_V.sum())
    error = 0.0
    if tokens is not None:
        likely = set(tokens[: len(tokens) // 2].tolist()) | {int(session.documents[index].tokens[position])}
        sampled = np.array([token not in likely for token in tried.tolist()])
        count, others = int(sampled.sum()), session.vocab_size - len(likely)
        if count >= MIN_SAMPLED:
            known = float(p_V[~sampled].sum())
            total = float(p_V[~sampled].sum() + others * p_V[sampled].mean())
            error = float(others * p_V[sampled].std(ddof=1) / math.sqrt(count))
            minimum = max(lower, known + others * mean_lower_bound(p_V[sampled], RARE_ERROR_PROBABILITY))
    return VocabularySum(
        document=session.documents[index].number,
        position=position,
        total=total,
        lower_bound=lower,
        confident_minimum=minimum,
        standard_error=error,
        tolerance=session.precision.sum_tolerance(nll_V),
        tokens=len(tried),
        complete=len(tried) == session.vocab_size,
        scale=loss_scale(nll_V) if tokens is None else 1.0,
        always_zero=bool(np.all(nll_V < ZERO_LOSS_NATS)),
    )


def sum_declared_distribution(session: AuditSession, index: int, position: int) -> tuple[VocabularySum, Comparison]:
    """Sum the distribution that the scorer declares for a position, and compare it with the losses that it returns.

    The scorer declares it for a document whose tokens from the position on are replaced, so that it cannot look at
    them. The comparison uses the true token, the likeliest one and a few random ones.
    """
    session.start_probe()
    document = session.documents[index]
    blinded = document.tokens.copy()
    blinded[position:] = session.rng.integers(0, session.vocab_size, blinded.size - position)
    p_V = session.declared_distribution(blinded, position, document.number)
    random = session.rng.integers(0, session.vocab_size, CHECKED_TOKENS)
    checked = np.unique([document.tokens[position], p_V.argmax(), *random])
    variants = np.repeat(document.tokens[None], len(checked), axis=0)
    variants[:, position] = checked
    returned = np.array([losses[position - 1] for losses in session.score_variants(index, list(variants))])
    nll_V = -np.log(np.maximum(p_V, MIN_PROBABILITY))
    difference = np.abs(returned - nll_V[checked])
    total = float(p_V.sum())
    exceeds = bool(np.any(difference > session.precision.tolerance(returned)))
    if exceeds:
        session.confirm("declared distribution")
    comparison = Comparison(
        kind=DECLARED,
        document=document.number,
        position=position,
        largest=float(difference.max()),
        mean=float((returned - nll_V[checked]).mean()),
        exceeds_tolerance=exceeds,
    )
    return VocabularySum(
        document=document.number,
        position=position,
        total=total,
        lower_bound=total,
        confident_minimum=total,
        standard_error=0.0,
        tolerance=session.precision.sum_tolerance(nll_V),
        tokens=session.vocab_size,
        complete=True,
        scale=loss_scale(nll_V),
        always_zero=False,
    ), comparison


def loss_scale(nll_V: Floats) -> float:
    """The α with Σ exp(−NLL / α) = 1, by bisection of log α over 2⁻⁴ … 2⁴."""
    low, high = -4.0, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        above = np.exp(-nll_V / 2.0**middle).sum() > 1
        low, high = (low, middle) if above else (middle, high)
    return float(2.0 ** ((low + high) / 2))


def likely_tokens(session: AuditSession, index: int, position: int, count: int) -> Tokens:
    """Choose `count` tokens to try: half by what follows the previous token in the audit's documents and by frequency,
    half at random."""
    streams = [document.tokens for document in session.documents]
    before = session.documents[index].tokens[position - 1]
    score_V = np.zeros(session.vocab_size)
    for stream in streams:
        np.add.at(score_V, stream, 1.0)
        np.add.at(score_V, stream[1:][stream[:-1] == before], 1000.0)
    order = np.lexsort((session.rng.random(session.vocab_size), -score_V))
    likely = order[: count // 2]
    others = session.rng.choice(order[count // 2 :], count - count // 2, replace=False)
    return np.concatenate([likely, others])


def probe_order(size: int, rng: np.random.Generator) -> list[int]:
    """All positions of a document of `size` tokens, those most worth a probe first.

    First the last and the first position, and both sides of every power of two (last and first token of a chunk, and
    where windows start to slide), then the rest at random.
    """
    last = size - 1
    first = [last]
    power = 1 << max(0, last.bit_length() - 1)
    while power > 1:
        first += rng.permutation([power + 1, power]).tolist()
        power //= 2
    first += [1, last // 2, last - 1]
    chosen = dict.fromkeys(position for position in first if 1 <= position <= last)
    rest = [int(position) for position in rng.permutation(np.arange(1, size)) if int(position) not in chosen]
    return [*chosen, *rest]


def mean_excess(sums: Sequence[VocabularySum]) -> tuple[float, float]:
    """Mean of sum − 1 over different complete sums, and its standard error; 0 and infinity without two of them.

    Equal sums come from equal distributions with equal rounding: they count as one observation.
    """
    excess = np.unique([probe.total - 1 for probe in sums if probe.complete])
    if excess.size < 2:
        return 0.0, math.inf
    return float(excess.mean()), float(excess.std(ddof=1) / math.sqrt(excess.size))
