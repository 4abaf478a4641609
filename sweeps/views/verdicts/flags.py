"""Why an entry is flagged, in a few words for people who do not know the codes of findings."""

from collections.abc import Mapping, Sequence

CONDITIONS: Mapping[str, str] = {
    "C1": "the score depends on later tokens",
    "C2": "probabilities do not sum to 1",
    "C3": "the score knows its target",
    "C4": "the score is not from the first pass",
}
"""The four conditions on a score, and what breaks them."""
SEVERAL = "the score depends on tokens not yet read"
"""What breaks several of them at once."""
WORDS: Mapping[str, str] = {
    **CONDITIONS,
    "bytes": "bytes are counted wrongly",
    "length": "the score depends on the documents' length",
    "length-effect": "the score depends on the documents' length",
    "cross-document": "state is kept from one document to the next",
    "nondeterminism": "the score differs from run to run",
    "overlap": "trained on tokens of the validation set",
    "evidence": "its evidence contradicts it",
    "size": "too many bytes",
    "time": "takes too long",
    "time-last-step": "takes too long",
    "time-process": "takes too long with its start-up",
    "coverage": "only part of the validation set was scored",
    "seeds": "confirmed on a seed that it was tuned on",
    "implausible-gain": "no legal method explains so large a gain",
    "unaudited": "its scores were not audited",
    "other-metric": "counts another score",
}
"""Code of a finding → what is wrong; other codes are shown as they are."""


MOST = 2
"""Reasons that are named."""


def describe_flags(findings: Sequence[Mapping[str, str]]) -> str:
    """What is wrong with an entry, the most serious first, conditions with their codes: `… (C1 C2)`."""
    codes = list(dict.fromkeys(finding["code"] for finding in findings))
    broken = sorted(code for code in codes if code in CONDITIONS)
    parts = []
    if broken:
        names = "C1-C4" if len(broken) == len(CONDITIONS) else " ".join(broken)
        parts.append(f"{CONDITIONS[broken[0]] if len(broken) == 1 else SEVERAL} ({names})")
    others = [code for code in codes if code not in CONDITIONS]
    known = [WORDS[code] for code in others if code in WORDS]
    # A public record's other findings are about its claims, and do not flag it.
    parts += known or ([] if parts else [code.replace("-", " ") for code in others])
    shown = list(dict.fromkeys(parts))
    more = [f"{len(shown) - MOST} more"] if len(shown) > MOST else []
    return "; ".join([*shown[:MOST], *more]) or "flagged"
