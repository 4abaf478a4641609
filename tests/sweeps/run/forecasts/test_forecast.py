"""A forecast on this machine: short jobs really run, are timed and kept."""

from pathlib import Path

import pytest

from cluster.executors.local import local_slots
from golf.data.corpus import DemoData
from jobs.machine import environment
from jobs.workplace import Workplace
from sweeps.run.forecasts.forecast import forecast
from sweeps.spec.file import SweepSpec, load_sweep
from sweeps.speed.choose import Choice
from sweeps.speed.measure import measure
from sweeps.speed.samples import NOT_MEASURED, read_speed
from tests.short_data import with_short_data

ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder in which nothing is kept yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def tiny(demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> SweepSpec:
    """The tiny sweep, on short documents."""
    folder = tmp_path_factory.mktemp("tiny")
    file = folder / "tiny.toml"
    file.write_text(with_short_data((ROOT / "tests/tiny.toml").read_text(), demo, folder / "data"))
    return load_sweep(file, ["search.trials=2", "train.steps=4"])


def choice_of(spec: SweepSpec) -> Choice:
    base = spec.native_recipes()["recipe"]
    return Choice(train=base, evaluations=(base,), audits=(0.05,))


def test_a_sweep_is_forecast_from_short_jobs_that_are_run_once(tmp_path: Path, tiny: SweepSpec) -> None:
    home, said = tmp_path / "home", list[str]()
    place = Workplace.empty(home)
    made = forecast(tiny, place, nodes=1, slots=None, measure_here=True, say=said.append, limit=240.0)
    assert [line[:18] for line in said] == ["Timing short jobs "]
    kept = read_speed()
    assert not home.exists()
    assert {sample.job.stage for sample in kept.samples} == {"train", "quantize", "eval", "audit"}
    for sample in kept.samples:
        assert 0 < sum(sample.clocks.values()) <= sample.seconds
        assert all(work > 0 for work in sample.work.values())
        assert sample.job.machine.slot_class == environment.machine().slot_class
    document = made.to_json()
    assert document["basis"]["measured"] == 1.0
    assert document["slots"] == local_slots(2)
    again = forecast(tiny, place, nodes=1, slots=None, measure_here=True, say=said.append)
    assert len(said) == 1
    assert again.to_json()["seconds"] == document["seconds"]


def test_where_nothing_may_be_timed_a_core_is_and_nothing_is_kept(tmp_path: Path, tiny: SweepSpec) -> None:
    place = Workplace.empty(tmp_path / "home")
    made = forecast(tiny, place, nodes=1, slots=None, measure_here=False, say=lambda text: None)
    assert made.to_json()["basis"]["guess"] == 1.0
    assert list(tmp_path.iterdir()) == []


def test_what_has_not_ended_at_the_limit_says_nothing(tmp_path: Path, tiny: SweepSpec) -> None:
    speed = measure(choice_of(tiny), environment.machine(), tmp_path, limit=0.0)
    assert (speed.samples, len(speed.tried)) == ((), 4)
    assert read_speed() == NOT_MEASURED
