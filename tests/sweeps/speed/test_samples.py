"""The file that keeps what was measured of a machine."""

import json
from pathlib import Path

import pytest

from jobs.machine.host import identity
from jobs.spec import Job
from sweeps.speed import samples
from sweeps.speed.samples import NOT_MEASURED, Sample, Speed, keep_speed, read_speed, shape_of, speed_file
from tests.sweeps.orders import train
from tests.sweeps.speed.test_estimates import BOOK, recipe

JOB = Job.from_json(train(BOOK, recipe()).job.canonical())  # lists in place of tuples, as a file has them
SPEED = Speed(
    samples=(Sample(job=JOB, slots=2, seconds=7.0, clocks={"train_seconds": 2.0}, work={"train_seconds": 5e9}),),
    seconds=20.0,
    core_flops=1e10,
    tried=frozenset({shape_of(JOB)}),
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_what_is_kept_is_read_back_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keep_speed(SPEED)
    assert read_speed() == SPEED
    monkeypatch.setattr(samples, "identity", lambda: "another machine")
    assert read_speed() == NOT_MEASURED
    assert keep_speed(Speed(core_flops=3.0))
    monkeypatch.setattr(samples, "identity", identity)
    assert read_speed() == SPEED


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 0}', '{"version": 1, "machines": {}}'])
def test_a_file_that_says_nothing_counts_as_missing(content: str) -> None:
    speed_file().parent.mkdir(parents=True)
    speed_file().write_text(content)
    assert read_speed() == NOT_MEASURED
    assert keep_speed(SPEED)
    assert read_speed() == SPEED


def test_a_damaged_sample_makes_the_whole_file_count_as_missing() -> None:
    keep_speed(SPEED)
    content = json.loads(speed_file().read_text())
    [machine] = content["machines"].values()
    machine["samples"][0]["seconds"] = "fast"
    speed_file().write_text(json.dumps(content))
    assert read_speed() == NOT_MEASURED


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    assert not keep_speed(SPEED)


def test_what_was_tried_is_known_whatever_its_seed_and_data() -> None:
    other = train(BOOK, recipe(), seed=9).job
    assert SPEED.covers([JOB, other])
    assert not SPEED.covers([train(BOOK, recipe(steps=3)).job])
    newer = Speed(samples=(), seconds=5.0)
    assert SPEED.joined(newer).samples == SPEED.samples
    assert SPEED.joined(newer).seconds == 5.0
