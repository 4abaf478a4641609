"""How far off a forecast may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.planning.certainty import SPREAD, Certainty
from sweeps.planning.durations import SOURCES, Source

WORK = st.dictionaries(st.sampled_from(SOURCES), st.floats(0, 1e9))


def test_a_range_weighs_what_its_work_rests_on() -> None:
    certainty = Certainty.of({"history": 30.0, "guess": 10.0})
    assert certainty.shares == {"history": 0.75, "guess": 0.25}
    low = 0.75 * SPREAD["history"][0] + 0.25 * SPREAD["guess"][0]
    high = 0.75 * SPREAD["history"][1] + 0.25 * SPREAD["guess"][1]
    assert certainty.range(100.0) == pytest.approx([100 * low, 100 * high])
    assert certainty.range(None) is None


def test_where_nothing_is_left_there_is_no_range() -> None:
    assert Certainty.of(dict.fromkeys(SOURCES, 0.0)).range(0.0) == [0.0, 0.0]


def test_the_surer_the_source_the_narrower_its_range() -> None:
    wide = [SPREAD[source][1] - SPREAD[source][0] for source in SOURCES if source != "limit"]
    assert wide == sorted(wide)
    assert SPREAD["limit"] == (0.0, 1.0)  # nothing takes longer than its limit


@given(WORK)
def test_a_forecast_lies_in_its_range(work: dict[Source, float]) -> None:
    low, high = Certainty.of(work).range(1.0) or (0.0, 0.0)
    assert 0.0 <= low <= 1.0 + 1e-9
    assert high >= 1.0 - 1e-9
