"""Vocabulary sums led by others that cost less: where the whole vocabulary cannot be tried, a few dozen tokens say it.

Tokens are drawn as likely as a shorter document makes them (importance sampling, Kahn and Marshall 1953), and what it
says of each is subtracted (a control variate), so that the estimate is exact where the longer document says the same.
"""

import math
from collections.abc import Sequence

import numpy as np

from golf.audit.certificate import Sum
from golf.audit.probes.chance import CHANCE_OF_BOUND, RARE, least_mean
from golf.audit.probes.vocabulary import SILENT, SumProbe, try_tokens
from golf.audit.scorer.bench import STACK, Bench
from golf.audit.scorer.black_box import Floats

LATEST_CONTRAST = 24
"""Sums led by another one are placed before this: each token of the vocabulary costs a document up to there."""
CONTEXT_TOKENS = 8
"""Tokens before an entry that lead a sum at it."""
DRAWN_UNIFORMLY = 0.1
"""Share of its tokens that are drawn without regard to them."""


def contrast_entry(bench: Bench, place: int) -> int:
    """The most surprising of a document's early entries: little can be seen of a scale where one token is certain."""
    return int(bench.reference[place][:LATEST_CONTRAST].argmax()) + 1


def contrast(bench: Bench, place: int, entry: int, count: int) -> SumProbe:
    """The sum at an early entry of a document, estimated from tokens drawn as likely as the cut document has them.

    Exact to a percent from a few dozen tokens where a protocol does to long documents what it does not do to short
    ones, a scaled loss for instance.
    """
    cut = np.repeat(bench.judged[place].tokens[None, : entry + 1], bench.vocab_size, axis=0)
    cut[:, entry] = np.arange(bench.vocab_size)
    return _led(bench, place, entry, count, _last_probabilities(bench.variants(place, list(cut))))


def led_by_context(bench: Bench, place: int, entry: int, count: int, *, cut: bool) -> SumProbe:
    """The sum at an entry, estimated from tokens drawn mostly as likely as its last few tokens alone make them.

    All tokens of the vocabulary behind a few tokens cost little, and show where most of the probability lies. Whoever
    scores them in what company does not matter: no estimate is biased by how its tokens were drawn.
    """
    document = bench.judged[place].tokens
    context = np.append(document[0], document[max(1, entry - CONTEXT_TOKENS) : entry])
    behind = [np.append(context, token) for token in range(bench.vocab_size)]
    part = max(1, STACK // context.size)
    calls = [behind[first : first + part] for first in range(0, len(behind), part)]
    q_V = _last_probabilities([losses for some in calls for losses in bench.call(some, [-1] * len(some))])
    return _led(bench, place, entry, count, q_V, share=DRAWN_UNIFORMLY, chance=RARE, cut=cut)


def _last_probabilities(losses: Sequence[Floats]) -> Floats:
    """The probabilities of the last entries of documents, made to add up to 1 however small they are."""
    nll_V = np.array([one[-1] for one in losses])
    q_V = np.exp(nll_V.min() - nll_V)
    return np.asarray(q_V / q_V.sum())


def _led(
    bench: Bench,
    place: int,
    entry: int,
    count: int,
    q_V: Floats,
    *,
    share: float = 0.0,
    chance: float = CHANCE_OF_BOUND,
    cut: bool = False,
) -> SumProbe:
    """The sum at an entry, led by probabilities q that add up to 1 (importance sampling, q as control variate).

    Σ_v p(v) = 1 + E (p(v) − q(v))/r(v) over v drawn from r = (1 − share)·q + share/V, exact where p is q.
    """
    document = bench.judged[place].tokens
    r_V = (1 - share) * q_V + share / bench.vocab_size
    drawn = bench.rng.choice(bench.vocab_size, count, p=r_V / r_V.sum())
    tried = np.unique(np.append(drawn, document[entry]))
    found = try_tokens(bench, place, entry, tried, cut=cut)
    p_V = np.zeros(bench.vocab_size)
    p_V[tried] = np.exp(-found.nll_V)
    lowest = 1 / (1 - share)  # what q/r is at most, so that nothing below is negative
    excess = np.maximum((p_V[drawn] - q_V[drawn]) / r_V[drawn] + lowest, 0.0)
    lower = float(p_V.sum())
    return found.probe(
        Sum(
            document=bench.judged[place].number,
            position=entry,
            total=float(excess.mean()) + 1 - lowest,
            lower_bound=lower,
            least=max(lower, least_mean(excess, chance) + 1 - lowest),
            standard_error=float(excess.std(ddof=1) / math.sqrt(count)),
            tolerance=bench.precision.sum_tolerance(found.nll_V),
            tokens=len(tried),
            complete=False,
            scale=1.0,
            silent=bool(np.all(found.nll_V < SILENT)),
        )
    )
