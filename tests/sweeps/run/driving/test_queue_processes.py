"""Two processes that take submitted sweeps, as a user starts them: one is killed, and its sweeps go on in the other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.state import JobState, SubmissionState
from jobs.store import Store, SubmittedContent
from jobs.workplace import Workplace
from sweeps.entries.reading import board_of
from sweeps.run import session
from sweeps.spec.file import parse_sweep
from tests.jobs.stores import empty_database
from tests.postgresql import Server
from tests.sweeps.run.driving.test_queue import toml

TOY = Path(__file__).parents[3] / "sweeps" / "toy_script.py"
SECONDS = 240.0
NAMES = ("one", "two")


def file_of(name: str, tokens: Path, script: str) -> dict[str, Any]:
    return {
        "name": name,
        "data": {"tokens": str(tokens)},
        "script": {
            "file": script,
            "launch": "python",
            "python": sys.executable,
            "env": {"DATA_PATH": "{data}", "SEED": "{seed}", "SHIFT": 0.1 if name == "one" else 0.3},
            "train": {"out": {"artifact": "model.bin"}, "metric": "final_toy_exact"},
        },
        "seeds": {"confirm": [2, 3]},
        "arm": [{"name": "base", "baseline": True}],
    }


@contextmanager
def queue(home: Path, url: str, files: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    words = ["-m", "sweeps.cli", "run", "--queue", "--here", "--home", str(home), "--files", str(files)]
    environment = {**os.environ, "GOLFSWEEP_DB": url}
    with (
        log.open("wb") as out,
        subprocess.Popen([sys.executable, *words], env=environment, stdout=out, stderr=out) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def test_a_killed_process_leaves_its_sweeps_to_the_other(tmp_path: Path, postgresql: Server) -> None:
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    for split in ("train", "val"):
        (tokens / f"x_{split}_000000.bin").write_bytes(bytes(100))
    store, files, log = Store.open(empty_database(postgresql)), tmp_path / "files", tmp_path / "log"
    place = Workplace.open(tmp_path / "home", postgresql.url, str(files))
    gate, gated = tmp_path / "gate", tmp_path / "toy.py"  # no sweep ends before the first process is killed
    gate.touch()
    gated.write_text(f"import os, time\nwhile os.path.exists({str(gate)!r}):\n    time.sleep(0.02)\n{TOY.read_text()}")
    digest = place.files.put(gated.read_bytes())
    for name in NAMES:
        text = "\n".join(f"{key} = {toml(value)}" for key, value in file_of(name, tokens, "code/toy.py").items())
        store.submit(name, SubmittedContent(file=text, files={"code/toy.py": digest}))
    with queue(tmp_path / "a", postgresql.url, files, log) as first:
        wait_for(lambda: bool(store.jobs(states=[JobState.RUNNING, JobState.DONE])), log)
        with queue(tmp_path / "b", postgresql.url, files, tmp_path / "log b") as second:
            first.send_signal(signal.SIGKILL)
            first.wait()
            gate.unlink()
            ended = [SubmissionState.ENDED] * 2
            wait_for(lambda: [each.state for each in store.last_submissions()] == ended, tmp_path / "log b")
            second.send_signal(signal.SIGINT)
            assert second.wait(SECONDS) == 130
    said = (tmp_path / "log b").read_text()
    assert "one: done" in said and "two: done" in said and "Traceback" not in said
    assert store.live_drivers() == [] and store.live_schedulers() == []
    undisturbed = Workplace.open(tmp_path / "undisturbed")
    for name in NAMES:
        spec = parse_sweep(file_of(name, tokens, str(gated)), "test")
        assert session.run(spec, undisturbed, executor="local", show=lambda *_: None, say=lambda _: None).done
        rows, others = (board_of(name, each).table() for each in (place, undisturbed))
        kept = ("name", "track", "rank", "seeds", "val_bpb_mean", "bytes_total", "findings")
        assert [[row[key] for key in kept] for row in rows] == [[row[key] for key in kept] for row in others]
        assert len(store.attempts(store.jobs(name)[0].key)) <= 2
    for each in (place, undisturbed):
        each.store.close()
    store.close()
