"""Probes of chance: tokens drawn at random are known to nobody before they are looked at.

A scorer may keep what it sees first and stick to it ever after: its probabilities add up to 1, and nothing in the
future moves them. But what it sees first may be drawn by lot.

    E Π_t V·p_t(x_t) = 1    for x_t uniform over V tokens, and p_t fixed before x_t is looked at

so that losses below n ln V by more than ln 1/δ nats have a chance of δ at most (Markov's inequality on a betting
martingale: Ville 1939; Shafer and Vovk 2019).
"""

import math

import numpy as np

from golf.audit.certificate import Context
from golf.audit.scorer.bench import Bench
from golf.audit.scorer.black_box import Floats, Tokens

DRAWN = "tokens drawn at random"
FIRST_SEEN = "what was seen first"
CHANCE = 1e-9
"""That a legal scorer is refused for its luck with tokens drawn at random."""
CHANCE_OF_BOUND = 1e-5
"""That a mean is below the bound that is given for it."""
RARE = 1e-7
"""The same where there are many such bounds in an audit."""
STAKES = np.linspace(0.05, 0.95, 19)
"""Shares of its capital that a gambler against a mean bets."""
DRAWN_TOKENS = 200
LEAST_PAIRS, MOST_PAIRS = 32, 256
"""Pairs of continuations: those that say anything, and those that say all there is to say."""
PAIRS_SHARE = 0.05
"""Of the budget for the pairs."""
PAIR_CONTEXT = 8
"""Tokens before the two continuations."""
STANDARD_ERRORS = 6.0
"""That the mean of differences without a direction lies beyond by chance: under 10⁻⁵, whatever they are like."""


def least_mean(draws: Floats, chance: float = CHANCE_OF_BOUND) -> float:
    """What the mean of a variable that is never negative is at least, by some independent draws [n] of it.

    Whoever bets a share λ of his capital on each draw being above m has Π (1 + λ(x/m − 1)) in the end, on average no
    more than the 1 that he began with if the mean is m or less (Waudby-Smith & Ramdas 2024). So the bound is the
    largest m against which gamblers with all shares have together won 1/chance times what they had; it
    supposes nothing else of the draws.
    """

    def capital(m: float) -> float:
        logs_L = np.log1p(STAKES[:, None] * (draws / m - 1)).sum(axis=1)
        return float(np.logaddexp.reduce(logs_L)) - math.log(STAKES.size)

    low, high = -60.0, math.log2(max(float(draws.mean()), 2.0**-60))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if capital(2.0**middle) > math.log(1 / chance) else (low, middle)
    return float(2.0**low)


def drawn(bench: Bench, bos: int) -> Context:
    """A document of tokens drawn at random, on average told no better than by ln V nats a token."""
    bench.settle()
    document = np.append(bos, bench.rng.integers(0, bench.vocab_size, DRAWN_TOKENS)).astype(np.int64)
    (losses,) = bench.call([document], [-1])
    known = math.log(bench.vocab_size) - losses
    entry = int(known.argmax())
    beyond = bool(known.sum() > math.log(1 / CHANCE))
    if beyond:
        bench.confirm("chance")
    return Context(
        kind=DRAWN,
        document=-1,
        position=entry + 1,
        largest=float(known[entry]),
        mean=float(known.mean()),
        beyond=beyond,
    )


def first_seen(bench: Bench, bos: int) -> Context | None:
    """Pairs of continuations of contexts that are new to the scorer, in either order: none may gain by being first.

    Two contexts alike but for their first token, and two tokens: one context is shown the one continuation first, the
    other the other. What the first gains over the second in both contexts together has no direction if nothing is
    remembered, since which token came first where was drawn by lot. None where the budget ends before that is known.
    """
    bench.settle()
    gains, count, until = np.empty(0), 1, bench.spent + PAIRS_SHARE * bench.seconds
    while gains.size < MOST_PAIRS and bench.spent < until:
        before = bench.spent
        gains = np.append(gains, _gains(bench, bos, count))
        each = max(1e-9, (bench.spent - before) / count)
        if bench.stacked and not bench.ordered:  # together as many as are known to be affordable
            count = max(1, min(LEAST_PAIRS, int((until - bench.spent) / each)))
    if gains.size < LEAST_PAIRS:
        return None
    mean, error = float(gains.mean()), float(gains.std(ddof=1)) / math.sqrt(gains.size)
    rounding = 2 * float(bench.precision.tolerance(np.array([math.log(bench.vocab_size)])).max())
    beyond = mean > STANDARD_ERRORS * error and mean > rounding
    if beyond:
        bench.confirm("first seen")
    return Context(
        kind=FIRST_SEEN,
        document=-1,
        position=PAIR_CONTEXT,
        largest=float(gains.max()),
        mean=mean / 2,
        beyond=beyond,
    )


def _gains(bench: Bench, bos: int, pairs: int) -> Floats:
    """Nats that the continuation seen first has over the one seen second, both contexts of a pair added up, [pairs]."""
    contexts = bench.rng.integers(0, bench.vocab_size, (pairs, 2, PAIR_CONTEXT))
    contexts[:, 1, 1:] = contexts[:, 0, 1:]
    contexts[:, :, 0] = bos
    contexts[:, :, 1] = bench.rng.integers(0, bench.vocab_size, (pairs, 2))
    tokens = bench.rng.integers(0, bench.vocab_size, (pairs, 2))
    first = _last_losses(bench, _continued(contexts, tokens))
    second = _last_losses(bench, _continued(contexts, tokens[:, ::-1]))
    gains: Floats = (second - first).reshape(pairs, 2).sum(axis=1)
    return gains


def _continued(contexts: Tokens, tokens: Tokens) -> list[Tokens]:
    """A document for each context, its token behind it."""
    return list(np.concatenate([contexts, tokens[:, :, None]], axis=2).reshape(-1, contexts.shape[2] + 1))


def _last_losses(bench: Bench, documents: list[Tokens]) -> Floats:
    """The loss of the last entry of each document; under declared order and with cross-document state, each alone."""
    if bench.ordered or not bench.stacked:
        return np.array([bench.call([document], [-1])[0][-1] for document in documents])
    return np.array([losses[-1] for losses in bench.call(documents, [-1] * len(documents))])
