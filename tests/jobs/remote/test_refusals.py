"""Errors that travel: each comes back as what it was."""

import errno

import pytest

from golf.errors import InputError
from jobs import errors
from jobs.remote.refusals import CODES, STATUSES, error_of, refusal_of

ERRORS = [
    errors.LostClaim("attempt 1 at job abc is not the running one any more"),
    errors.LostLease("another process drives it"),
    errors.AlreadyTaken("x schedules machine y"),
    errors.OverBudget("no hours left"),
    errors.StoreUnavailable("database unavailable: no answer"),
    errors.AlreadyDriven("driven; wait", certain=False),
    errors.AlreadyDriven("driven; wait", certain=True),
    errors.Forbidden("ab" * 32, "cannot be read; ask"),
    errors.Unreadable("cd" * 32, "not in it; make it"),
    InputError("a: wrong; b would be right", "c: wrong; d"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_the_same(error: Exception) -> None:
    refusal = refusal_of(error)
    back = error_of({"detail": str(error), "code": refusal.code, **refusal.facts})
    assert (type(back), str(back)) == (type(error), str(error))
    for member in ("certain", "digest"):
        assert getattr(back, member, None) == getattr(error, member, None)


def test_a_full_disk_stays_one() -> None:
    error = errors.StoreUnavailable(errno.ENOSPC, "no space", "database")
    refusal = refusal_of(error)
    back = error_of({"detail": str(error), "code": refusal.code, **refusal.facts})
    assert isinstance(back, errors.StoreUnavailable) and back.errno == errno.ENOSPC


def test_every_error_of_the_store_is_there() -> None:
    """Those of the module that callers of the store must tell apart; NotReady is a worker's own."""
    mine = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert mine - set(CODES) == {errors.Unavailable, errors.NotReady, InputError} - set(CODES)
    assert set(CODES.values()) == set(STATUSES)


def test_another_program_names_none() -> None:
    assert error_of({"detail": "what?"}) is None and error_of({"code": "odd"}) is None
