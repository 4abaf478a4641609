"""Files that exist already, as outputs of a script's stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from golf.data.tokens import write_shard
from golf.errors import InputError
from jobs.spec import Order
from jobs.state import EventKind, JobState
from jobs.workplace import Workplace
from sweeps.driver.sweep import Sweep
from sweeps.run.attach import Attachment, attach, open_sweep
from tests.schemas import check_document
from tests.sweeps.conftest import Command

SCRIPT = """
import os
width, rank, seed = os.environ.get("WIDTH", "8"), os.environ.get("RANK_", "4"), os.environ.get("SEED", "1")
open("model.ptz", "wb").write(b"")
print(f"final_exact val_loss:{1.0} val_bpb:{2.0}")
"""
SWEEP = """
name = "own"
data.tokens = "tokens"
seeds = { tune = [7], confirm = [42, 43] }
[script]
file = "train.py"
launch = "python"
python = "no-such-python"
env = { SEED = "{seed}" }
[script.train]
gpus = 1
out = { artifact = "model.ptz", weights = "model.ptz.raw" }
[script.eval]
from = "train"
keep = ["artifact"]
gpus = 1
out = { scores_file = "scores.bin" }
metric = "final_exact"
[[arm]]
name = "base"
baseline = true
[[arm]]
name = "ranked"
script.eval.env = { RANK_ = "8" }
[search]
trials = 2
parallel = 1
[search.space]
"script.eval.env.RANK_" = [1, 2]
[confirm]
top = 1
"""
LOG = b"final_exact val_loss:1.00000000 val_bpb:2.50000000 eval_time:1000ms\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A home with the sweep of a script that nothing has run of; files to attach beside it."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        write_shard(tmp_path / "tokens" / f"fineweb_{split}_000000.bin", [1, 2, 3])
    for name, content in {"train.py": SCRIPT, "own.toml": SWEEP, "old.ptz": "model", "old.txt": LOG.decode()}.items():
        (tmp_path / name).write_text(content)
    opened = Workplace.open(tmp_path / "home")
    yield opened
    opened.store.close()


@pytest.fixture
def sweep(place: Workplace) -> Sweep:
    return open_sweep("own.toml", place, lambda line: None)


def attached(stage: str = "train", role: str = "artifact", seed: int = 42, **rest: str) -> Attachment:
    log = Path(rest["log"]) if "log" in rest else None
    return Attachment(
        file=Path(rest.get("file", "old.ptz")), stage=stage, role=role, seed=seed, entry=rest.get("entry"), log=log
    )


def drive(sweep: Sweep, place: Workplace) -> list[Order]:
    """Let the sweep run and its driver look once; the orders that wait, in their order."""
    place.store.put_sweep("own", sweep.to_json(), sweep.spec.budget.limits())
    sweep.driver(place.store).step()
    return [job.order for job in place.store.jobs(sweep="own") if job.state == JobState.QUEUED]


def test_what_is_attached_is_not_trained_and_all_that_share_it_go_on(place: Workplace, sweep: Sweep) -> None:
    job = attach(attached(), sweep, place)
    assert job.state == JobState.DONE
    assert job.outputs is not None
    assert place.files.get(job.outputs["artifact"]) == b"model"
    assert job.outputs["attached"] == {"by": place.store.user, "file": "old.ptz", "role": "artifact"}
    assert job.outputs["bytes"] == {"artifact": 5, "code": len(SCRIPT)}
    assert job.outputs["notes"] == ["artifact of train is a file that was attached: old.ptz"]
    waiting = drive(sweep, place)
    trained = [order.job.seed for order in waiting if order.job.stage == "script.train"]
    evaluated = [order for order in waiting if order.job.stage == "script.eval"]
    assert sorted(trained) == [7, 43]
    assert [(order.entry, order.job.seed) for order in evaluated] == [("base", 42), ("ranked", 42)]
    assert {order.job.inputs["in:artifact"] for order in evaluated} == {job.outputs["artifact"]}


def test_the_command_says_what_it_attached(place: Workplace, golfsweep: Command) -> None:
    words = ("attach", "old.ptz", "--sweep", "own.toml", "--stage", "train", "--role", "artifact", "--seed", "42")
    code, out, _ = golfsweep(*words, "--home", place.home.root, "--json")
    document = check_document(("attach", "--json"), out)
    assert (code, document["sweep"]) == (0, "own")
    assert place.files.get(document["artifact"]) == b"model"


def test_a_file_for_the_seed_of_trials_serves_the_search(place: Workplace, sweep: Sweep) -> None:
    job = attach(attached(seed=7), sweep, place)
    waiting = drive(sweep, place)
    assert [order.trial for order in waiting if order.job.stage == "script.eval"] == [0]
    assert job.key not in [order.job.key for order in waiting]


def test_a_file_for_the_seed_of_trials_is_what_they_train_under_their_proxy(place: Workplace) -> None:
    Path("own.toml").write_text(SWEEP + "[search.proxy]\ntrain = { env = { WIDTH = 4 } }\n")
    sweep = open_sweep("own.toml", place, lambda line: None)
    job = attach(attached(seed=7), sweep, place)
    assert job.order.job.settings["env"] == {"SEED": "{seed}", "WIDTH": "4"}
    waiting = drive(sweep, place)
    assert [order.trial for order in waiting if order.job.stage == "script.eval"] == [0]


def test_it_is_told_as_an_event_and_costs_nothing(place: Workplace, sweep: Sweep) -> None:
    job = attach(attached(), sweep, place)
    (event,) = [event for event in place.store.events() if event.kind == EventKind.JOB_ATTACHED]
    assert (event.sweep, event.key) == ("own", job.key)
    assert place.store.attempts(job.key) == []
    assert job.seconds is None


def test_a_stage_with_a_score_takes_it_from_the_log(place: Workplace, sweep: Sweep) -> None:
    attach(attached(), sweep, place)
    with pytest.raises(InputError, match="--log missing: stage eval has a score"):
        attach(attached("eval", "scores_file", entry="base"), sweep, place)
    job = attach(attached("eval", "scores_file", entry="base", log="old.txt"), sweep, place)
    assert job.outputs is not None
    assert job.outputs["metric"] == {"name": "final_exact", "value": 2.5}
    assert place.files.get(job.outputs["log"]) == LOG
    assert [order.entry for order in drive(sweep, place) if order.job.stage == "script.eval"] == ["ranked"]


def test_a_sweep_of_the_home_is_named_like_its_file(place: Workplace, sweep: Sweep) -> None:
    again = open_sweep("own", place, lambda line: None)
    assert again.to_json() == sweep.to_json()
    stored = place.store.sweep("own")
    assert stored is not None and stored.state == "stopped"


def test_a_job_that_is_done_or_runs_takes_no_file(place: Workplace, sweep: Sweep) -> None:
    attach(attached(), sweep, place)
    (Path("other.ptz")).write_text("another model")
    with pytest.raises(InputError, match="is done already; only a job that waits, failed or was cancelled"):
        attach(attached(file="other.ptz"), sweep, place)


def test_a_job_that_waits_takes_a_file(place: Workplace, sweep: Sweep) -> None:
    waiting = {order.job.seed: order.job.key for order in drive(sweep, place) if order.job.stage == "script.train"}
    job = attach(attached(seed=43), sweep, place)
    assert (job.key, job.state) == (waiting[43], JobState.DONE)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (attached("trian"), r"--stage trian: no stage of own; did you mean train\?"),
        (attached(role="artefact"), r"--role artefact: no output of stage train; did you mean artifact\?"),
        (attached(role="weights"), "stage eval also reads artifact of train"),
        (attached(seed=1), "--seed 1: no entry is measured on it; seeds are 7, 42, 43"),
        (attached(entry="bas"), r"--entry bas: no arm of own; did you mean base\?"),
        (attached("eval", "scores_file", log="old.txt"), "it reads artifact of train, which is not there for seed 42"),
        (attached(file="none.ptz"), "none.ptz: cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line(place: Workplace, sweep: Sweep, wrong: Attachment, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        attach(wrong, sweep, place)
    assert place.store.jobs() == []


def test_entries_that_differ_in_the_stage_are_told_apart(place: Workplace, sweep: Sweep) -> None:
    attach(attached(), sweep, place)
    with pytest.raises(InputError, match=r"entries have different jobs of it \(base; ranked\); name the one"):
        attach(attached("eval", "scores_file", log="old.txt"), sweep, place)


def test_a_name_that_is_neither_sweep_nor_file_is_refused(place: Workplace) -> None:
    with pytest.raises(InputError, match="--sweep other: no sweep of that name and no such file"):
        open_sweep("other", place, lambda line: None)
