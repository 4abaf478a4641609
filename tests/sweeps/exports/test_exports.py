"""Results as frames and in the files of other tools, read back by those tools."""

import subprocess
import sys
from pathlib import Path

import optuna
import pandas as pd
import psutil
import pytest

from jobs.workplace import Workplace
from sweeps.api import compare, leaderboard, sweep
from sweeps.board.arrays import TRACKS
from sweeps.board.leaderboard import COLUMNS
from sweeps.entries.reading import board_of
from sweeps.exports.export import export_sweep
from sweeps.exports.frames import entries_frame
from sweeps.exports.plots import plot_seeds
from tests.sweeps.made_up import file, play

SEARCH = {
    "search": {
        "trials": 6, "documents": 4,
        "space": {"eval.lr": {"low": 0.001, "high": 0.1, "log": True}, "eval.epochs": {"low": 1, "high": 3}},
    },
    "seeds": {"tune": [1], "confirm": [3, 4, 5]},
    "confirm": {"top": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace.open(tmp_path_factory.mktemp("exports") / "a home")
    play(place, file("main", **SEARCH))
    place.store.put_record("2026-03-17_LoRA_TTT", {"name": "2026-03-17_LoRA_TTT", "seeds": {"1": 1.19, "2": 1.2}})
    return place


def test_a_leaderboard_is_a_typed_frame(place: Workplace) -> None:
    frame = leaderboard("main", home=place.home.root)
    assert frame.index.name == "entry"
    assert sorted(frame.index) == ["2026-03-17_LoRA_TTT", "base", "leak", "none", "trial 0"]
    assert list(frame["track"]) == sorted(frame["track"], key=TRACKS.index)
    assert frame.loc["base", "val_bpb_mean"] == pytest.approx(1.17, abs=0.002)
    assert frame.loc["base", "bytes.total"] == frame.loc["base", "bytes_total"]
    kinds = {"track": "string", "rank": "Int64", "p_value": "float64", "same_code": "boolean", "date": "string"}
    assert {name: str(frame.dtypes[name]) for name in kinds} == kinds
    assert not [name for name in frame.columns if str(frame.dtypes[name]) == "object"]
    assert frame.describe().loc["count", "val_bpb_mean"] == 5
    plain = {name for name in COLUMNS if name in frame.columns}
    assert {"p_adjusted", "cost", "verdict", "headroom"} <= plain


def test_columns_have_their_types_without_any_value() -> None:
    row = {"name": "a", "track": "legal", "sweep": None, "incumbent": None, "p_value": None, "incumbent_too": None}
    frame = entries_frame([row])
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert kinds == {
        "track": "string", "sweep": "string", "incumbent": "string", "p_value": "float64", "incumbent_too": "boolean",
    }  # fmt: skip


def test_a_sweep_has_entries_seeds_and_trials(place: Workplace) -> None:
    results = sweep(home=place.home.root)
    assert repr(results) == "SweepResults(main: done, 4 entries, 6 trials)"
    assert sorted(results.entries.index) == ["base", "leak", "none", "trial 0"]
    stored = board_of("main", place).table()[0]["seeds"]
    assert {str(seed): bpb for seed, bpb in results.seeds.loc["base", "bpb"].items()} == stored
    assert len(results.seeds) == 3 + 3 + 1 + 3
    assert {name: str(kind) for name, kind in results.trials.dtypes.items()} == {
        "state": "string", "value": "float64", "eval.lr": "float64", "eval.epochs": "Int64",
    }  # fmt: skip
    assert list(results.trials.index) == [0, 1, 2, 3, 4, 5]
    entry = results.entry("0")
    assert repr(entry) == "EntryResults(main/trial 0: legal, 3 seeds)"
    assert entry.settings["eval"]["lr"] == results.trials.loc[0, "eval.lr"]
    assert list(entry.seeds.index) == [3, 4, 5]
    assert [trace.name for trace in results.plot().data] == ["trial", "best so far"]
    assert [trace.name for trace in entry.plot().data] == ["3", "4", "5"]
    assert "<table" in results._repr_html_() and "<table" in entry._repr_html_()


def test_a_comparison_says_what_it_means(place: Workplace) -> None:
    comparison = compare("trial-0", "none", home=place.home.root)
    assert repr(comparison).splitlines()[0] == "main/trial 0 against main/none"
    assert len(repr(comparison).splitlines()) > 1
    assert comparison.content["verdicts"]["precedent"]["passed"] is True
    assert list(comparison.seeds.columns) == ["main/trial 0", "main/none"]
    assert [list(trace.y) for trace in comparison.plot().data] == [["main/trial 0", "main/none"]] * 3


def test_importing_the_results_loads_nothing_heavy() -> None:
    code = "import sys, sweeps.api, golf; print(*{'torch', 'pandas', 'sqlalchemy', 'optuna', 'ray'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_tables_come_back_as_they_were(place: Workplace, tmp_path: Path) -> None:
    results = sweep(home=place.home.root)
    folder = export_sweep("main", "parquet", place, tmp_path / "parquet")
    for name, frame in (("entries", results.entries), ("runs", results.seeds), ("trials", results.trials)):
        read = pd.read_parquet(folder / f"{name}.parquet")
        pd.testing.assert_frame_equal(read, frame.reset_index(), check_dtype=False, check_column_type=False)
    folder = export_sweep("main", "csv", place, tmp_path / "csv")
    read = pd.read_csv(folder / "runs.csv")
    assert read["bpb"].tolist() == results.seeds["bpb"].tolist()
    assert pd.read_csv(folder / "entries.csv")["entry"].tolist() == list(results.entries.index)


def test_optuna_reads_the_search_as_its_own_study(place: Workplace, tmp_path: Path) -> None:
    path = export_sweep("main", "optuna", place, tmp_path / "main.db")
    trials = sweep(home=place.home.root).trials
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    study = optuna.load_study(study_name="main", storage=storage)
    assert [trial.value for trial in study.trials] == trials["value"].tolist()
    assert [trial.params for trial in study.trials] == trials[["eval.lr", "eval.epochs"]].to_dict("records")
    assert study.trials[0].distributions["eval.lr"] == optuna.distributions.FloatDistribution(0.001, 0.1, log=True)
    assert study.best_value == trials["value"].min()
    assert study.ask(study.trials[0].distributions).number == 6  # a search can go on from it
    storage.engine.dispose()


def test_tensorboard_reads_curves_trials_and_scores(place: Workplace, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    folder = export_sweep("main", "tensorboard", place, tmp_path / "events")

    def read(run: Path, tag: str) -> dict[int, float]:
        events = EventAccumulator(str(run))
        events.Reload()
        return {event.step: float(make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}

    results = sweep(home=place.home.root)
    assert read(folder / "search" / "search", "search/value") == pytest.approx(results.trials["value"].to_dict())
    [curve] = (folder / "training").glob("base*seed-4")
    assert read(curve, "train/loss") == {1: 3.5, 2: 3.0}
    expected = {0: results.seeds.loc[("base", 4), "bpb"]}
    assert read(folder / "entry" / "base-seed-4", "entry/bpb") == pytest.approx(expected)


def test_an_offline_run_is_written_for_weights_and_biases(place: Workplace, tmp_path: Path) -> None:
    folder = export_sweep("main", "wandb", place, tmp_path / "runs")
    assert len([*folder.glob("wandb/offline-run-*/run-*.wandb")]) == len(sweep(home=place.home.root).seeds) + 5
    left = [" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)]
    assert [line for line in left if "wandb" in line] == []


def test_names_in_a_plot_are_no_markup() -> None:
    figure = plot_seeds({"<a href='x'>one</a>": {"1": 1.0}, "two & three": {"1": 2.0}}, "<b>bpb")
    assert list(figure.data[0].y) == ["&lt;a href='x'>one&lt;/a>", "two &amp; three"]
    assert figure.layout.xaxis.title.text == "&lt;b>bpb"
