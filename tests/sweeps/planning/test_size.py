"""A plan that would take long is refused by the number of its jobs."""

import pytest

from golf.errors import InputError
from sweeps.planning.size import check_size, count_jobs
from tests.sweeps.made_up_world import SEARCH, spec_of


def test_jobs_are_counted_at_most_and_too_many_are_refused() -> None:
    # base on two seeds and none on one: train, quantize, eval each, and an audit of each; no search.
    assert count_jobs(spec_of(search=None, confirm={"top": 0})) == 3 * 3 + 3
    check_size(spec_of())
    with pytest.raises(InputError, match=r"made-up: a plan simulates at most 1,500 jobs, this sweep has up to 9,02\d"):
        check_size(spec_of(search={**SEARCH, "trials": 9000}))
