"""Documents in short: at most 2 kB of the tiny home, of thirty entries, and of whatever is fitted."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.spec import Job
from jobs.workplace import Workplace
from sweeps.views.brief.entries import brief_leaderboard
from sweeps.views.brief.fitting import MOST_BYTES, fit, to_line
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play

TINY = Path(__file__).parents[4] / "tests/tiny.toml"


def bpb(job: Job) -> float:
    lr = job.settings["eval"]["lr"]
    return 1.2 - 0.003 * (lr > 0.03) + 0.001 * math.sin(1e5 * lr + 77 * job.seed)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of three entries and one of thirty, with long names."""
    place = Workplace.open(tmp_path_factory.mktemp("brief") / "home")
    play(place, file("tiny-one"))
    edits = [
        {"name": f"change of the learning rate {number:02d}", "eval": {"lr": 0.02 + 0.001 * number}}
        for number in range(1, 30)
    ]
    play(place, file("many", arm=[{"name": "base", "baseline": True, "eval": {"lr": 0.02}}, *edits]), bpb)
    place.store.close()
    return place.home.root


@pytest.mark.parametrize(
    "words",
    [
        "next", "next tiny-one", "status many --brief", "status --brief", "leaderboard --brief",
        "leaderboard tiny-one --brief", "wait many --seconds 0", "wait tiny-one --seconds 0",
        "compare change-of-the-learning-rate-20 base --brief", "compare tiny-one/none tiny-one/base --brief",
    ],
)  # fmt: skip
def test_what_agents_read_fits(golfsweep: Command, home: Path, words: str) -> None:
    form = [] if "--brief" in words else ["--json"]
    code, out, _ = golfsweep(*words.split(), *form, "--home", home)
    assert code == 0 and len(out.encode()) <= MOST_BYTES + 1 + len(', "code": 0')
    assert out.count("\n") == 1


def test_a_plan_fits_whatever_its_size(golfsweep: Command, tmp_path: Path) -> None:
    arms = "".join(f'\n[[arm]]\nname = "another setting {n}"\neval.lr = {0.02 + n / 1000}\n' for n in range(30))
    (tmp_path / "large.toml").write_text(TINY.read_text() + arms)
    code, out, err = golfsweep("plan", tmp_path / "large.toml", "--quick", "--brief", "--home", tmp_path / "home")
    assert (code, len(out.encode()) <= MOST_BYTES) == (0, True), err
    assert json.loads(out)["stages"]["eval"]["jobs"] > 30


def test_flagged_entries_are_named_apart(golfsweep: Command, home: Path) -> None:
    document = json.loads(golfsweep("leaderboard", "tiny-one", "--brief", "--home", home)[1])
    assert document["flagged"] == ["leak"]
    assert "leak" not in [row["name"] for row in document["rows"]]
    assert brief_leaderboard({"schema_version": 1, "rows": [], "notes": []})["rows"] == []


@given(st.lists(st.text(max_size=300), max_size=60), st.lists(st.integers(), max_size=200), st.floats(allow_nan=False))
def test_lists_are_shortened_from_their_end_until_all_fits(texts: list[str], numbers: list[int], value: float) -> None:
    document: dict[str, Any] = {"texts": texts, "numbers": numbers, "value": value if math.isfinite(value) else 0.0}
    fitted = fit(document, ["texts", "numbers"])
    assert len(to_line(fitted)) <= MOST_BYTES and to_line(fitted).isascii()
    assert fitted["numbers"] == numbers[: len(fitted["numbers"])]
    for key in ("texts", "numbers"):
        assert fitted["left_out"].get(key, 0) == len(document[key]) - len(fitted[key])
