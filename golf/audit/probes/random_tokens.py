"""Probes with uniformly random tokens, which nobody can predict before looking at them.

A scorer may remember the first continuation that it sees and stick to it: its probabilities sum to 1, and no change of
the future shows it. But random tokens expose scorers that keep state:

    E Π_t V·p_t(x_t) = 1    for x_t uniform over V tokens, and p_t fixed before x_t is read

so a total loss below n ln V by more than ln 1/δ nats has probability at most δ (Markov's inequality for a betting
martingale: Ville 1939; Shafer and Vovk 2019).
"""

import math

import numpy as np

from golf.audit.certificate import Comparison
from golf.audit.scorer.checked_scorer import Floats, Tokens
from golf.audit.scorer.session import AuditSession

RANDOM_TOKENS = "tokens drawn at random"
FIRST_SEEN = "what was seen first"
"""Kinds of comparison as stored in certificates."""
LUCK_PROBABILITY = 1e-9
"""Probability that a legal scorer is rejected because it was lucky with random tokens."""
NUM_RANDOM_TOKENS = 200
MIN_PAIRS, MAX_PAIRS = 32, 256
"""Pairs of continuations: enough for a conclusion, and more than is useful."""
PAIRS_SHARE = 0.05
"""Share of the budget for the pairs."""
CONTEXT_TOKENS = 8
"""Tokens before the two continuations."""
STANDARD_ERRORS = 6.0
"""A mean difference without direction exceeds this many standard errors with probability under 1e-5."""


def predict_random_tokens(session: AuditSession, bos: int) -> Comparison:
    """Score a document of random tokens: the mean loss of a legal scorer is at least about ln V nats per token."""
    session.start_probe()
    document = np.append(bos, session.rng.integers(0, session.vocab_size, NUM_RANDOM_TOKENS)).astype(np.int64)
    (losses,) = session.call([document], [-1])
    gain = math.log(session.vocab_size) - losses
    target = int(gain.argmax())
    exceeds = bool(gain.sum() > math.log(1 / LUCK_PROBABILITY))
    if exceeds:
        session.confirm("random tokens")
    return Comparison(
        kind=RANDOM_TOKENS,
        document=-1,
        position=target + 1,
        largest=float(gain[target]),
        mean=float(gain.mean()),
        exceeds_tolerance=exceeds,
    )


def compare_first_seen(session: AuditSession, bos: int) -> Comparison | None:
    """Score pairs of continuations of new contexts in both orders: the first one scored must not gain from it.

    A pair is two contexts that differ only in their first token, and two random tokens: one context scores the one
    token first, the other context the other. Without memory, the gain of the first token over the second, added up over
    both contexts, has no direction, because chance decided which token came first.

    Returns:
        None if the budget ends before MIN_PAIRS pairs are scored.
    """
    session.start_probe()
    gains, count, until = np.empty(0), 1, session.spent + PAIRS_SHARE * session.seconds
    while gains.size < MAX_PAIRS and session.spent < until:
        before = session.spent
        gains = np.append(gains, _first_gains(session, bos, count))
        each = max(1e-9, (session.spent - before) / count)
        if session.batchable and not session.ordered_state:  # as many pairs a call as the budget allows
            count = max(1, min(MIN_PAIRS, int((until - session.spent) / each)))
    if gains.size < MIN_PAIRS:
        return None
    mean, error = float(gains.mean()), float(gains.std(ddof=1)) / math.sqrt(gains.size)
    rounding = 2 * float(session.precision.tolerance(np.array([math.log(session.vocab_size)])).max())
    exceeds = mean > STANDARD_ERRORS * error and mean > rounding
    if exceeds:
        session.confirm("first seen")
    return Comparison(
        kind=FIRST_SEEN,
        document=-1,
        position=CONTEXT_TOKENS,
        largest=float(gains.max()),
        mean=mean / 2,
        exceeds_tolerance=exceeds,
    )


def _first_gains(session: AuditSession, bos: int, pairs: int) -> Floats:
    """Gain in nats of the token scored first over the one scored second, summed over a pair's contexts, [pairs]."""
    contexts = session.rng.integers(0, session.vocab_size, (pairs, 2, CONTEXT_TOKENS))
    contexts[:, 1, 1:] = contexts[:, 0, 1:]
    contexts[:, :, 0] = bos
    contexts[:, :, 1] = session.rng.integers(0, session.vocab_size, (pairs, 2))
    tokens = session.rng.integers(0, session.vocab_size, (pairs, 2))
    first = _last_losses(session, _append_tokens(contexts, tokens))
    second = _last_losses(session, _append_tokens(contexts, tokens[:, ::-1]))
    gains: Floats = (second - first).reshape(pairs, 2).sum(axis=1)
    return gains


def _append_tokens(contexts: Tokens, tokens: Tokens) -> list[Tokens]:
    """One document for each context, with its token appended."""
    return list(np.concatenate([contexts, tokens[:, :, None]], axis=2).reshape(-1, contexts.shape[2] + 1))


def _last_losses(session: AuditSession, documents: list[Tokens]) -> Floats:
    """The loss of each document's last token; one call a document if documents may affect each other."""
    if session.ordered_state or not session.batchable:
        return np.array([session.call([document], [-1])[0][-1] for document in documents])
    return np.array([losses[-1] for losses in session.call(documents, [-1] * len(documents))])
