"""Vocabulary sums from a few dozen tokens, where trying the whole vocabulary costs too much: importance sampling.

Tokens are drawn with the probabilities that a cheaper, shorter document gives them (importance sampling, Kahn and
Marshall 1953), and those probabilities are subtracted (a control variate). So the estimate is exact if the longer
document gives the same probabilities.
"""

import math
from collections.abc import Sequence

import numpy as np

from golf.audit.certificate import VocabularySum
from golf.audit.probes.betting_bound import ERROR_PROBABILITY, RARE_ERROR_PROBABILITY, mean_lower_bound
from golf.audit.probes.vocabulary import ZERO_LOSS_NATS, SumProbe, try_tokens
from golf.audit.scorer.checked_scorer import Floats
from golf.audit.scorer.session import MAX_CALL_PREDICTIONS, AuditSession

LATEST_CUT_POSITION = 24
"""Sums guided by the cut document are placed before this position: the guide scores every token in a cut document."""
CONTEXT_TOKENS = 8
"""Tokens before a position that guide a sum there."""
UNIFORM_SHARE = 0.1
"""Share of tokens drawn uniformly when the guide is only a short context."""


def surprising_position(session: AuditSession, index: int) -> int:
    """The early position with the highest loss: a scaled loss hardly shows where one token is nearly certain."""
    return int(session.reference[index][:LATEST_CUT_POSITION].argmax()) + 1


def sum_guided_by_cut(session: AuditSession, index: int, position: int, count: int) -> SumProbe:
    """Estimate the sum at an early position from `count` tokens, guided by the document cut right after it.

    A few dozen tokens give it to a percent if the protocol treats long documents differently from short ones, for
    instance scales their loss.
    """
    cut = np.repeat(session.documents[index].tokens[None, : position + 1], session.vocab_size, axis=0)
    cut[:, position] = np.arange(session.vocab_size)
    return _guided_sum(session, index, position, count, _last_probabilities(session.score_variants(index, list(cut))))


def sum_guided_by_context(session: AuditSession, index: int, position: int, count: int, *, cut: bool) -> SumProbe:
    """Estimate the sum at a position from `count` tokens, guided by the last few tokens before it.

    Scoring the whole vocabulary after a short context is cheap and shows where most of the probability lies. How the
    guide was scored does not matter: the estimate is unbiased for any sampling distribution.
    """
    document = session.documents[index].tokens
    context = np.append(document[0], document[max(1, position - CONTEXT_TOKENS) : position])
    extended = [np.append(context, token) for token in range(session.vocab_size)]
    size = max(1, MAX_CALL_PREDICTIONS // context.size)
    calls = [extended[first : first + size] for first in range(0, len(extended), size)]
    q_V = _last_probabilities([losses for part in calls for losses in session.call(part, [-1] * len(part))])
    return _guided_sum(
        session,
        index,
        position,
        count,
        q_V,
        uniform_share=UNIFORM_SHARE,
        error_probability=RARE_ERROR_PROBABILITY,
        cut=cut,
    )


def _last_probabilities(losses: Sequence[Floats]) -> Floats:
    """Probabilities of the documents' last tokens, normalized."""
    nll_V = np.array([array[-1] for array in losses])
    q_V = np.exp(nll_V.min() - nll_V)
    return np.asarray(q_V / q_V.sum())


def _guided_sum(
    session: AuditSession,
    index: int,
    position: int,
    count: int,
    q_V: Floats,
    *,
    uniform_share: float = 0.0,
    error_probability: float = ERROR_PROBABILITY,
    cut: bool = False,
) -> SumProbe:
    """Estimate the sum at a position by importance sampling with the guide q, which is also the control variate.

    Σ_v p(v) = 1 + E (p(v) − q(v))/r(v) over v drawn from r = (1 − s)·q + s/V with s = uniform_share; exact if p = q.
    """
    document = session.documents[index].tokens
    r_V = (1 - uniform_share) * q_V + uniform_share / session.vocab_size
    drawn = session.rng.choice(session.vocab_size, count, p=r_V / r_V.sum())
    tokens = np.unique(np.append(drawn, document[position]))
    tried = try_tokens(session, index, position, tokens, cut=cut)
    p_V = np.zeros(session.vocab_size)
    p_V[tokens] = np.exp(-tried.nll_V)
    shift = 1 / (1 - uniform_share)  # the largest possible q/r: adding it makes the terms ≥ 0
    terms = np.maximum((p_V[drawn] - q_V[drawn]) / r_V[drawn] + shift, 0.0)
    lower = float(p_V.sum())
    return tried.with_sum(
        VocabularySum(
            document=session.documents[index].number,
            position=position,
            total=float(terms.mean()) + 1 - shift,
            lower_bound=lower,
            confident_minimum=max(lower, mean_lower_bound(terms, error_probability) + 1 - shift),
            standard_error=float(terms.std(ddof=1) / math.sqrt(count)),
            tolerance=session.precision.sum_tolerance(tried.nll_V),
            tokens=len(tokens),
            complete=False,
            scale=1.0,
            always_zero=bool(np.all(tried.nll_V < ZERO_LOSS_NATS)),
        )
    )
