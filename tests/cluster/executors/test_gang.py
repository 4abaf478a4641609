"""A gang's end when its processes do not end; gangs with real ranks are the executors' tests."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cluster.executors.gang import Gang

from cluster.executors.processes import Mark
from jobs.events import Failed, Failure
from tests.cluster.orders import Orders


def test_a_hang_whose_processes_do_not_die_stays_a_hang_and_names_them(
    orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def launch(gang: Gang, log: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["sleep", "600"], stdout=log)

    def stuck(_: object) -> None:
        raise TimeoutError("processes [7] of an ended gang do not die")

    monkeypatch.setattr(Gang, "_start", launch)
    monkeypatch.setattr("cluster.executors.gang.end_marked", stuck)
    monkeypatch.setattr("cluster.executors.gang.START_SECONDS", 0.0)
    monkeypatch.setattr("cluster.executors.gang.STACK_SECONDS", 0.0)
    gang = Gang(orders.train(), tmp_path / "1", None, Mark(node="n", slots=(0,), task="t"), 0.0)
    *_, last = gang.events()
    assert isinstance(last, Failed)
    assert (last.failure, last.reason) == (
        Failure.HANG, "no step for 0 s; processes [7] of an ended gang do not die"
    )  # fmt: skip


def test_the_others_words_do_not_hide_that_a_rank_crashed(orders: Orders, tmp_path: Path) -> None:
    gang = Gang(orders.train(), tmp_path / "1", None, Mark(node="n", slots=(0,), task="t"), 0.0)
    log = tmp_path / "1" / "log.txt"
    peer = '{"failure": "collective time-out", "reason": "Connection closed by peer"}'
    (tmp_path / "1" / "error.0.json").write_text(peer)
    log.write_text("Signal 11 (SIGSEGV) received by PID 7\nConnection closed by peer\n")
    assert (gang._failed(1, log).failure, gang._failed(1, log).reason) == (
        Failure.CRASH, "a rank died of signal 11"
    )  # fmt: skip
    log.write_text("nothing that is known\n")
    assert gang._failed(1, log).failure == Failure.COLLECTIVE
