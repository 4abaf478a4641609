"""Where a scorer runs: in one thread, or in its own process, which is killed with its children."""

import gc
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golf.audit import audit
from golf.audit.scorer.checked_scorer import CheckedScorer, ScorerError
from golf.audit.scorer.process import ScorerProcess
from tests.golf.zoo import VOCAB, bigram, bound, each

ENTRY = '''
"""An entry whose objects belong to the thread that imported it."""
import os, signal, sqlite3, time
import numpy as np
import torch

torch.set_grad_enabled(False)
weight = torch.full((), np.log(16.0), requires_grad=True)
connection = sqlite3.connect(":memory:")

def bound(documents):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    connection.execute("select 1")
    return [(torch.zeros(len(document) - 1) + weight).numpy() for document in documents]

def hangs(documents):
    time.sleep(600)

def forks(documents):
    child = os.fork()
    if child == 0:
        time.sleep(20)
        open("slept", "w").close()
        os._exit(0)
    hangs(documents)
'''


PARENT = """
from golf.audit.scorer.process import ScorerProcess
process = ScorerProcess("entry:hangs")
print(process._process.pid, flush=True)
process([])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "entry.py").write_text(ENTRY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_in_its_own_process_a_scorer_runs_in_the_thread_that_imported_it(folder: Path) -> None:
    with ScorerProcess("entry:bound") as process:
        certificate = audit(process, vocab_size=VOCAB, seconds=0.2)
    assert certificate.findings == ()


def test_the_children_of_a_hanging_scorer_are_killed_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.auditor.MIN_CALL_SECONDS", 0.5)
    with ScorerProcess("entry:forks") as process:
        certificate = audit(process, vocab_size=VOCAB, seconds=0.5)
    assert "no answer within" in certificate.findings[0].detail
    assert process.ended
    assert not (folder / "slept").exists()  # the child, which held the pipe too, was killed


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2) and pidfd_open(2), which only Linux has")
def test_a_hanging_scorer_does_not_outlive_a_killed_audit(folder: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        scorer = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([scorer], [], [], 30.0)
    os.close(scorer)
    assert ended


def test_all_calls_come_from_one_thread() -> None:
    certificate = audit(bound.Database(), vocab_size=VOCAB, seconds=0.2)
    assert certificate.passed, certificate.findings


def test_the_thread_ends_with_the_audit() -> None:
    threads = [threading.main_thread()]

    def scorer(documents: list[Any]) -> Any:
        threads[:] = [threading.current_thread()]
        return each(bigram)(documents)

    audit(scorer, vocab_size=VOCAB, seconds=0.1)
    gc.collect()
    threads[0].join(30.0)
    assert not threads[0].is_alive()


@pytest.mark.parametrize("gradients", [torch.no_grad, torch.inference_mode])
def test_a_scorer_runs_in_the_callers_gradient_mode(gradients: type[torch.no_grad]) -> None:
    documents = [np.arange(5)]
    with pytest.raises(ScorerError, match="requires grad"):
        CheckedScorer(bound.without_gradients, call_seconds=10.0).score(documents)
    with gradients():
        scorer = CheckedScorer(bound.without_gradients, call_seconds=10.0)
    assert scorer.score(documents)[0].shape == (4,)


def test_without_a_time_limit_a_scorer_runs_in_the_callers_thread() -> None:
    assert CheckedScorer(bound.with_an_alarm).score([np.arange(5)])[0].shape == (4,)
    with pytest.raises(ScorerError, match="main thread"):
        CheckedScorer(bound.with_an_alarm, call_seconds=10.0).score([np.arange(5)])


def test_a_keyboard_interrupt_is_passed_on() -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CheckedScorer(interrupted).score([np.arange(5)])


ONCE = """
import pathlib
import numpy as np

started = pathlib.Path("started")
if started.exists():
    raise OSError("the port is taken")
started.touch()

def score(documents):
    return [np.full(len(document) - 1, np.log(16.0)) for document in documents]
"""


def test_a_scorer_that_does_not_start_a_second_time_is_not_deterministic(folder: Path) -> None:
    (folder / "once.py").write_text(ONCE)
    with ScorerProcess("once:score") as process:
        certificate = audit(process, vocab_size=VOCAB, seconds=0.2, restart=lambda: ScorerProcess("once:score"))
    [finding] = [finding for finding in certificate.findings if finding.condition == "nondeterminism"]
    assert "does not start a second time: scorer once:score" in finding.detail
    assert "the port is taken" in finding.detail
    assert not certificate.passed
