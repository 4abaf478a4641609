"""Entries of own sweeps of a contest beside Parameter Golf: their logs are read and judged as a record's are."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from golf.data.tokens import write_shard
from golf.errors import InputError
from jobs.workplace import Workplace
from sweeps.contests.catalog import contest_named
from sweeps.run.attach import Attachment, attach, open_sweep
from sweeps.run.entries import EntryWriter
from sweeps.spec.file import parse_sweep
from sweeps.standings.reading import standings_of
from tests.schemas import check_document
from tests.sweeps.standings import logs

Command = Callable[..., tuple[int, str, str]]
SWEEP = """
name = "steps"
contest = "modded-nanogpt-3"
data.tokens = "tokens"
seeds.confirm = [1, 2, 3, 4]
[script]
file = "train.py"
launch = "python"
python = "no-such-python"
env = { SEED = "{seed}", STEPS = "3200" }
[script.train]
gpus = 1
out = { weights = "model.pt" }
[[arm]]
name = "base"
baseline = true
[[arm]]
name = "faster"
script.env = { STEPS = "3000" }
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A home with the finished sweep of two arms, whose files and logs were attached: 3,200 and 3,000 steps."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        write_shard(tmp_path / "tokens" / f"fineweb_{split}_000000.bin", [1, 2, 3])
    script = 'import os\nprint(os.environ.get("SEED"), os.environ.get("STEPS"))\nopen("model.pt", "wb").write(b"")\n'
    for name, content in {"train.py": script, "steps.toml": SWEEP, "model.pt": "model"}.items():
        (tmp_path / name).write_text(content)
    opened = Workplace.open(tmp_path / ".golfsweep")
    sweep = open_sweep("steps.toml", opened, lambda line: None)
    for arm, steps in (("base", 3200), ("faster", 3000)):
        for seed in (1, 2, 3, 4):
            losses = {steps // 2: "val_loss:3.9", steps: f"val_loss:3.277{seed}"}
            (tmp_path / "log.txt").write_text(logs.track_3(losses))
            given = Attachment(
                file=Path("model.pt"), stage="train", role="weights", seed=seed, entry=arm, log=Path("log.txt")
            )
            job = attach(given, sweep, opened)
            assert job.outputs is not None and job.outputs["metric"]["value"] == pytest.approx(3.277 + seed / 10_000)
    opened.store.put_sweep("steps", sweep.to_json(), sweep.spec.budget.limits())
    EntryWriter(sweep, opened.store, opened.files).write(final=True)
    return opened


def test_own_entries_are_ranked_by_steps_and_judged_by_the_contests_rules(place: Workplace) -> None:
    board = standings_of(contest_named("modded-nanogpt-3"), place)
    facts = [
        (row["name"], row["value"], row["rank"], row["verdict"], row["verdict_against"], row["n"], row["source"])
        for row in board.rows()
    ]
    assert facts == [
        ("faster", 3000.0, 1, "better", "base", 4, "golfsweep"),
        ("base", 3200.0, 2, "better", "the target of 3.28", 4, "golfsweep"),
    ]
    faster = board.rows()[0]
    assert (faster["mean"], faster["findings"], sorted(faster["runs"])) == (
        pytest.approx(3.27725),
        [],
        ["1", "2", "3", "4"],
    )
    assert faster["improvement"]["statistic"] == pytest.approx(0.009 * 2**0.5)


def test_commands_show_them_beside_records_and_apart_from_parameter_golf(
    golfsweep: Command, place: Workplace, tmp_path: Path
) -> None:
    losses = [{2900: f"val_loss:3.277{n}"} for n in range(4)]
    logs.write_runs(tmp_path / "records/01-20260101_first", map(logs.track_3, losses))
    golfsweep("import", "--contest", "modded-nanogpt-3", tmp_path / "records")
    code, out, _ = golfsweep("leaderboard", "--json")
    assert code == 0
    rows = json.loads(out)["rows"]
    assert [(row["name"], row["verdict_against"]) for row in rows] == [
        ("01-20260101_first", "the target of 3.28"),
        ("faster", "base"),
        ("base", "01-20260101_first"),
    ]
    code, out, _ = golfsweep("leaderboard", "--contest", "parameter-golf", "--json")
    assert code == 0 and json.loads(out)["rows"] == []
    code, out, _ = golfsweep("compare", "steps/faster", "01-20260101_first", "--json")
    assert code == 0 and json.loads(out)["verdict"] == "worse"
    code, out, _ = golfsweep("next", "steps", "--json")
    document = check_document(("next",), out)
    assert (code, document["decision"], document["entry"], document["tries"]) == (0, "keep", "faster", 2)
    assert document["best"] == {"entry": "faster", "role": "kept", "value": 3000.0}
    assert document["next"]["command"] == "golfsweep show steps/faster"
    code, out, _ = golfsweep("show", "steps/faster")
    assert code == 0 and "value = 3000" in out
    code, _, err = golfsweep("leaderboard", "steps", "--contest", "parameter-golf")
    assert code == 2 and "sweep steps: is of the contest modded-nanogpt-3, not parameter-golf" in err
    code, _, err = golfsweep("package", "steps/faster", "--out", tmp_path / "out")
    assert code == 2 and "is of modded-nanogpt-3; only entries of parameter-golf can be packaged" in err


def test_a_lost_log_leaves_its_run_out_and_is_said(golfsweep: Command, place: Workplace) -> None:
    (entry, *_) = place.store.entries("steps")
    digest = entry.evidence["seeds"]["2"]["log"]
    (path,) = [
        path for path in (place.home.root / "files").rglob("*") if path.name == digest or digest.endswith(path.name)
    ]
    path.unlink()
    code, out, _ = golfsweep("leaderboard", "--json")
    document = json.loads(out)
    assert code == 0
    assert {row["name"]: row["n"] for row in document["rows"]}[entry.name] == 3
    assert document["notes"][0].startswith(f"Lost or damaged: log of steps/{entry.name};")


@pytest.mark.parametrize(
    ("contest", "more", "problem"),
    [
        ("modded-nanogpt", "", "contest = 'modded-nanogpt': no such contest; did you mean modded-nanogpt-3?"),
        ("modded-nanogpt-3", "recipe", "our own [recipe] is of parameter-golf; bring a [script]"),
        (
            "modded-nanogpt-3",
            "mean",
            "baseline.mean: modded-nanogpt-3 compares entries with records of golfsweep import",
        ),
    ],
)
def test_a_sweep_file_that_its_contest_does_not_fit_is_refused(contest: str, more: str, problem: str) -> None:
    source: dict[str, object] = {
        "name": "x",
        "contest": contest,
        "data": {"tokens": "tokens"},
        "seeds": {"confirm": [1]},
    }
    if more != "recipe":
        source["script"] = {"file": "train.py", "train": {"gpus": 1}}
    if more == "mean":
        source["baseline"] = {"mean": 3.0}
    with pytest.raises(InputError) as error:
        parse_sweep(source, "sweep.toml")
    assert any(problem in line for line in error.value.problems), error.value.problems
