"""The vocabulary sum: put every token in turn at one entry and add up the probabilities that it would have had.

    S_t = Σ_v exp(−NLL_t(prefix, v, rest))

A scorer that fixed a distribution before it looked at the target gives 1. log2 S_t bits are what a score has stolen at
that token. Where the whole vocabulary costs too much, the tokens most likely by the documents' own habits are tried,
and a random sample of the others; the sum over those alone is a lower bound, and with the sample weighted up to the
tokens that it stands for, an unbiased estimate (Horvitz and Thompson 1952).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golf.audit.certificate import Change, Context, Sum
from golf.audit.probes.chance import RARE, least_mean
from golf.audit.probes.future import moved
from golf.audit.scorer.bench import Bench
from golf.audit.scorer.black_box import Floats, Tokens

SILENT = 1e-3
"""Nats: where every token of the vocabulary has less, none is scored."""
OFFERED = "the distribution that it offers"
CHECKED = 4
"""Random tokens for which an offered distribution is held against the black box."""
LEAST_PROBABILITY = 1e-300
SAMPLED_AT_LEAST = 8
"""Random tokens below which a partial sum is a lower bound and no estimate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SumProbe:
    """What one vocabulary sum showed."""

    sum: Sum
    change: Change | None
    """The most that any of the variants moved before the entry."""
    true_token: Context | Change
    """The true token's scores among the variants against the reference; a change where the documents were cut."""


def probe(bench: Bench, place: int, entry: int, *, tokens: Tokens | None = None, cut: bool = False) -> SumProbe:
    """Add up the probabilities at an entry of a judged document.

    Args:
        bench: the audit.
        place: the judged document's.
        entry: 1 … n − 1.
        tokens: the tokens to try, the likeliest first, then as many random ones; the whole vocabulary where None.
        cut: whether documents end with the entry; allowed where the length is known not to matter.
    """
    true = int(bench.judged[place].tokens[entry])
    tried = np.arange(bench.vocab_size) if tokens is None else np.unique(np.append(tokens, true))
    found = try_tokens(bench, place, entry, tried, cut=cut)
    return found.probe(_sum(bench, place, entry, tried, found.nll_V, tokens))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """Some tokens, the true one among them, put at one entry in turn."""

    nll_V: Floats
    """The loss of each of them there, in their order."""
    change: Change | None
    true_token: Context | Change

    def probe(self, total: Sum) -> SumProbe:
        """With the sum that was made of the losses."""
        return SumProbe(sum=total, change=self.change, true_token=self.true_token)


def try_tokens(bench: Bench, place: int, entry: int, tried: Tokens, *, cut: bool) -> Tried:
    """Put tokens at an entry of a judged document, which ends there if it is cut, and score it with each."""
    bench.settle()
    document = bench.judged[place].tokens
    variants = np.repeat(document[None, : entry + 1] if cut else document[None], len(tried), axis=0)
    variants[:, entry] = tried
    losses = bench.variants(place, list(variants))
    at = int(np.flatnonzero(tried == document[entry])[0])
    found: Context | Change
    if cut:
        found = moved(bench, place, "cut", entry + 1, losses[at])
    else:
        found = bench.compare("among variants of itself", [place], [losses[at]], [bench.reference[place]])
    changes = [moved(bench, place, "token", entry, one) for one in losses] if entry > 1 else []
    return Tried(
        nll_V=np.array([one[entry - 1] for one in losses]),
        change=max(changes, key=lambda change: (change.beyond, change.largest), default=None),
        true_token=found,
    )


def _sum(bench: Bench, place: int, entry: int, tried: Tokens, nll_V: Floats, tokens: Tokens | None) -> Sum:
    p_V = np.exp(-nll_V)
    lower = total = least = float(p_V.sum())
    error = 0.0
    if tokens is not None:
        likely = set(tokens[: len(tokens) // 2].tolist()) | {int(bench.judged[place].tokens[entry])}
        sampled = np.array([token not in likely for token in tried.tolist()])
        count, others = int(sampled.sum()), bench.vocab_size - len(likely)
        if count >= SAMPLED_AT_LEAST:
            total = float(p_V[~sampled].sum() + others * p_V[sampled].mean())
            error = float(others * p_V[sampled].std(ddof=1) / math.sqrt(count))
            least = max(lower, float(p_V[~sampled].sum()) + others * least_mean(p_V[sampled], RARE))
    return Sum(
        document=bench.judged[place].number,
        position=entry,
        total=total,
        lower_bound=lower,
        least=least,
        standard_error=error,
        tolerance=bench.precision.sum_tolerance(nll_V),
        tokens=len(tried),
        complete=len(tried) == bench.vocab_size,
        scale=loss_scale(nll_V) if tokens is None else 1.0,
        silent=bool(np.all(nll_V < SILENT)),
    )


def offered(bench: Bench, place: int, entry: int) -> tuple[Sum, Context]:
    """The sum of the distribution that a scorer offers for an entry, and whether it is the one that it scores with.

    It is asked for with the target and everything after it replaced, so that it cannot look; then the true token, the
    likeliest and a few random ones are held against the black box.
    """
    bench.settle()
    judged = bench.judged[place]
    blinded = judged.tokens.copy()
    blinded[entry:] = bench.rng.integers(0, bench.vocab_size, blinded.size - entry)
    p_V = bench.offer(blinded, entry, judged.number)
    checked = np.unique([judged.tokens[entry], p_V.argmax(), *bench.rng.integers(0, bench.vocab_size, CHECKED)])
    variants = np.repeat(judged.tokens[None], len(checked), axis=0)
    variants[:, entry] = checked
    scored = np.array([losses[entry - 1] for losses in bench.variants(place, list(variants))])
    nll_V = -np.log(np.maximum(p_V, LEAST_PROBABILITY))
    difference = np.abs(scored - nll_V[checked])
    total = float(p_V.sum())
    beyond = bool(np.any(difference > bench.precision.tolerance(scored)))
    if beyond:
        bench.confirm("offer")
    found = Context(
        kind=OFFERED,
        document=judged.number,
        position=entry,
        largest=float(difference.max()),
        mean=float((scored - nll_V[checked]).mean()),
        beyond=beyond,
    )
    return Sum(
        document=judged.number,
        position=entry,
        total=total,
        lower_bound=total,
        least=total,
        standard_error=0.0,
        tolerance=bench.precision.sum_tolerance(nll_V),
        tokens=bench.vocab_size,
        complete=True,
        scale=loss_scale(nll_V),
        silent=False,
    ), found


def loss_scale(nll_V: Floats) -> float:
    """The α with Σ exp(−NLL / α) = 1, by bisection in log α over 2⁻⁴ … 2⁴."""
    low, high = -4.0, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        above = np.exp(-nll_V / 2.0**middle).sum() > 1
        low, high = (low, middle) if above else (middle, high)
    return float(2.0 ** ((low + high) / 2))


def likely_tokens(bench: Bench, place: int, entry: int, count: int) -> Tokens:
    """Tokens to try where not all can be: half by what follows the token before in the judged documents, and by
    frequency, half at random."""
    streams = [one.tokens for one in bench.judged]
    before = bench.judged[place].tokens[entry - 1]
    score_V = np.zeros(bench.vocab_size)
    for stream in streams:
        np.add.at(score_V, stream, 1.0)
        np.add.at(score_V, stream[1:][stream[:-1] == before], 1000.0)
    order = np.lexsort((bench.rng.random(bench.vocab_size), -score_V))
    likely = order[: count // 2]
    others = bench.rng.choice(order[count // 2 :], count - count // 2, replace=False)
    return np.concatenate([likely, others])


def places(size: int, rng: np.random.Generator) -> list[int]:
    """Entries of a document of so many tokens in the order in which they are worth a probe.

    First and last entry, both sides of every power of two (last and first token of a chunk, and where windows start to
    slide), then the rest at random.
    """
    last = size - 1
    first = [last]
    power = 1 << max(0, last.bit_length() - 1)
    while power > 1:
        first += rng.permutation([power + 1, power]).tolist()
        power //= 2
    first += [1, last // 2, last - 1]
    seen = dict.fromkeys(entry for entry in first if 1 <= entry <= last)
    rest = [int(entry) for entry in rng.permutation(np.arange(1, size)) if int(entry) not in seen]
    return [*seen, *rest]


def weighs(sums: Sequence[Sum]) -> tuple[float, float]:
    """Mean of sum − 1 over complete sums that differ, and its standard error; 0 and infinity without two.

    Equal sums come from equal distributions, and are rounded the same way: they are one observation.
    """
    excess = np.unique([one.total - 1 for one in sums if one.complete])
    if excess.size < 2:
        return 0.0, math.inf
    return float(excess.mean()), float(excess.std(ddof=1) / math.sqrt(excess.size))
