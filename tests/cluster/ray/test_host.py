"""The process that talks to Ray, where Ray does not start: whatever happens there, we get one line in time."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from cluster.ray import folders, host, supervised
from cluster.ray.host import RayHost, RayLost
from cluster.ray.supervised import SupervisedRay
from jobs.errors import Unavailable


@dataclass(frozen=True, slots=True)
class NoRay:
    """A Ray that does something else than to start."""

    how: str
    is_own: bool = True

    def enter(self, folder: Path) -> None:
        os.write(2, b"raw words of Ray\n")
        match self.how:
            case "fails":
                raise RuntimeError("no room\nfor many reasons")
            case "aborts":
                os.abort()
            case "hangs":
                time.sleep(600)
            case "away":
                raise Unavailable("--ray h:1: does not answer")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folders are: nothing here needs a short path."""
    monkeypatch.setattr(folders, "_root", lambda: tmp_path)
    return tmp_path


def test_a_ray_that_cannot_be_started_is_tried_again_a_few_times(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervised, "MOST_LOSSES", 2)
    said: list[str] = []
    with pytest.raises(Unavailable) as error:
        SupervisedRay(NoRay("fails"), "Ray on this machine", said.append).nodes()
    reason = "RuntimeError: no room"
    lost = f"Ray on this machine was lost 2 times within an hour, at last because {reason} (Ray's own messages: "
    assert str(error.value).startswith(lost)
    assert str(error.value).removeprefix(lost) == f"{root}/golfsweep-ray-*/driver.log)"
    assert [log.read_text().splitlines()[0] for log in root.glob("golfsweep-ray-*/driver.log")] == [
        "raw words of Ray"
    ] * 2
    assert said == [f"Ray on this machine is lost: {reason}. It starts anew; jobs that ran there are retried."]
    assert capfd.readouterr().err == "", "what Ray prints goes to a file"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("aborts", r"the process that talks to it ended \(signal 6\)"),
        ("hangs", r"it gave no answer for 3 s"),
    ],
)
def test_a_process_that_dies_or_hangs_is_noticed(how: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "hangs":
        monkeypatch.setattr(host, "START_SECONDS", 3.0)
    with pytest.raises(RayLost, match=reason):
        RayHost(NoRay(how))
    assert [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())] == []


def test_a_cluster_that_is_lost_is_not_started_anew() -> None:
    with pytest.raises(Unavailable, match=r"^--ray h:1 is lost: RuntimeError: no room$"):
        SupervisedRay(NoRay("fails", is_own=False), "--ray h:1", lambda text: None).nodes()


def test_a_cluster_is_joined_anew_if_only_our_process_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "MOST_LOSSES", 2)
    said: list[str] = []
    with pytest.raises(Unavailable, match=r"^--ray h:1 was lost 2 times within an hour"):
        SupervisedRay(NoRay("aborts", is_own=False), "--ray h:1", said.append).nodes()
    ended = "the process that talks to it ended (signal 6)"
    assert said == [f"--ray h:1 is lost: {ended}. It is joined anew; jobs that ran there are retried."]


def test_an_error_that_means_something_to_a_user_is_passed_on() -> None:
    with pytest.raises(Unavailable, match=r"^--ray h:1: does not answer$"):
        RayHost(NoRay("away", is_own=False))
