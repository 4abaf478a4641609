"""Where home, database, file store and cluster are: options, environment variables, and slips in either."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.workplace import Workplace
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play

TINY = Path(__file__).parents[2] / "tiny.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    place = Workplace.open(root)
    place.store.put_sweep("here", {})
    place.store.close()
    return root


def names(golfsweep: Command, *words: object) -> list[str]:
    code, out, err = golfsweep("status", "--json", *map(str, words))
    assert code == 0, err
    return [sweep["name"] for sweep in json.loads(out)["sweeps"]]


def test_a_variable_names_the_home_and_an_option_wins(
    golfsweep: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLFSWEEP_HOME", str(home))
    assert names(golfsweep) == ["here"]
    assert names(golfsweep, "--home", tmp_path) == []
    monkeypatch.setenv("GOLFSWEEP_HOME", str(tmp_path))
    assert names(golfsweep, "--home", home) == ["here"]


def test_an_empty_variable_counts_as_not_set(golfsweep: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "DB", "FILES", "RAY"):
        monkeypatch.setenv(f"GOLFSWEEP_{name}", "")
    assert names(golfsweep, "--home", home) == ["here"]
    monkeypatch.chdir(home.parent)
    assert names(golfsweep) == []


def test_the_file_store_may_be_named_by_a_variable(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    place = Workplace.open(home)
    play(place, file("one"))
    place.store.close()
    (home / "files").rename(tmp_path / "elsewhere")
    lost = json.loads(golfsweep("leaderboard", "--home", home, "--json")[1])
    monkeypatch.setenv("GOLFSWEEP_FILES", str(tmp_path / "elsewhere"))
    whole = json.loads(golfsweep("leaderboard", "--home", home, "--json")[1])
    paired = [[row["p_paired"] for row in document["rows"]] for document in (lost, whole)]
    assert paired[0] == [None] * 3 and any(paired[1])
    assert (len(lost["notes"]), whole["notes"]) == (2, [])  # scores and certificates


def test_a_clusters_address_may_be_in_a_variable_unless_an_option_names_an_executor(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLFSWEEP_RAY", "127.0.0.1:1")
    code, _, err = golfsweep("run", TINY, "--home", tmp_path / "home")
    assert code == 3 and "--ray 127.0.0.1:1: cannot be reached" in err
    code, _, err = golfsweep("run", TINY, "--home", tmp_path / "home", "--here", "--set", "train.model.vocab_size=7")
    assert code == 2 and "vocab_size = 7" in err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("option", ["--home", "--db", "--files", "--ray"])
def test_an_empty_option_is_an_error(refused: Callable[..., str], option: str, tmp_path: Path) -> None:
    home = [] if option == "--home" else ["--home", tmp_path / "home"]
    line = refused("run", TINY, option, "", *home)
    assert option in line and "it is empty" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("leaderboard",), ("show", "abcdef"), ("show", "a/b"), ("compare", "a", "b"), ("gc",),
        ("gc", "--delete"), ("cancel", "a"), ("package", "a/b", "--out", "out"), ("prove", "a/b"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_mistyped_home_is_named_and_nothing_is_made(
    refused: Callable[..., str], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"--home {tmp_path}/mistyped/home: no such folder" in refused(
        *words, "--home", tmp_path / "mistyped" / "home"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_plan_that_measures_nothing_leaves_nothing(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert golfsweep("plan", TINY, "--json", "--quick")[0] == 0
    assert golfsweep("plan", TINY, "--json", "--quick", "--home", tmp_path / "deep" / "home")[0] == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["no cluster", "no such executor", "no bucket driver", "wrong recipe"])
def test_a_run_that_fails_before_it_starts_leaves_nothing(golfsweep: Command, tmp_path: Path, how: str) -> None:
    words = {
        "no cluster": ["--ray", "127.0.0.1:1"],
        "no such executor": ["--executor", "nobody"],
        "no bucket driver": ["--files", "nowhere://x"],
        "wrong recipe": ["--here", "--set", "train.model.vocab_size=7"],
    }[how]
    code, out, err = golfsweep("run", TINY, "--home", tmp_path / "deep" / "home", *words)
    assert code in (2, 3) and out == "" and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
