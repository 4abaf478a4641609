"""Errors of the store as members of a problem document (RFC 9457), and back as the same exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from golf.errors import InputError
from jobs.errors import (
    AlreadyDriven,
    AlreadyTaken,
    Forbidden,
    LostClaim,
    LostLease,
    OverBudget,
    StoreUnavailable,
    Unreadable,
    WrongState,
)
from jobs.secrets import hide_passwords

CODES: Mapping[type[Exception], str] = {
    LostClaim: "lost-claim",
    LostLease: "lost-lease",
    AlreadyTaken: "already-taken",
    OverBudget: "over-budget",
    StoreUnavailable: "unavailable",
    AlreadyDriven: "already-driven",
    Forbidden: "forbidden",
    Unreadable: "unreadable",
    WrongState: "wrong-state",
    InputError: "bad-input",
}
"""The `code` of each exception; the most special first."""
STATUSES: Mapping[str, int] = {
    "lost-claim": 409, "lost-lease": 409, "already-taken": 409, "already-driven": 409, "over-budget": 409,
    "wrong-state": 409,
    "unavailable": 503, "forbidden": 503, "unreadable": 404, "bad-input": 422,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An error as it travels."""

    status: int
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the exception holds beside its message."""


def refusal_of(error: Exception) -> Refusal:
    """How an exception travels; of a class that is none of `CODES` as what it derives from."""
    code = next(code for kind, code in CODES.items() if isinstance(error, kind))
    facts: dict[str, Any] = {}
    if isinstance(error, InputError):
        facts["problems"] = [hide_passwords(problem) for problem in error.problems]
    if isinstance(error, AlreadyDriven):
        facts["certain"] = error.certain
    if isinstance(error, Unreadable):
        facts["digest"] = error.digest
    if isinstance(error, StoreUnavailable) and error.errno:  # a full disk tells what to do
        facts["errno"] = error.errno
    return Refusal(status=STATUSES[code], code=code, facts=facts)


def error_of(document: Mapping[str, Any]) -> Exception | None:
    """The exception that a problem document stands for; None if it names none."""
    detail = str(document.get("detail", ""))
    given = document.get("problems")
    whole = f"{detail}; {hint}" if (hint := str(document.get("hint", ""))) else detail
    problems = [str(problem) for problem in given] if isinstance(given, list) and given else [whole]
    match document.get("code"):
        case "lost-claim":
            return LostClaim(detail)
        case "lost-lease":
            return LostLease(detail)
        case "already-taken":
            return AlreadyTaken(detail)
        case "over-budget":
            return OverBudget(detail)
        case "unavailable":
            number = document.get("errno")
            return StoreUnavailable(number, detail) if isinstance(number, int) else StoreUnavailable(detail)
        case "already-driven":
            return AlreadyDriven(problems[0], certain=document.get("certain") is not False)
        case "forbidden":
            return Forbidden(str(document.get("digest", "")), problems[0])
        case "unreadable":
            return Unreadable(str(document.get("digest", "")), problems[0])
        case "wrong-state":
            return WrongState(*problems)
        case "bad-input" | "not-found":
            return InputError(*problems)
    return None
