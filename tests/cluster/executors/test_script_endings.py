"""How a participant's script can end: each ends in the right state, with the reason, and nothing of it is left."""

import json
import time
from pathlib import Path

import pytest

from cluster.executors import launcher, processes
from jobs.events import FAILED_AFTER, Failure
from jobs.scripts.results import outputs
from jobs.scripts.run import LAST_SCORE
from tests.scripts import GRACE_SECONDS, run_script

SCORE = 'print("step:10/10 train_loss:2.1 train_time:900ms step_avg:90.0ms")\n' + (
    'print("final_int8_zlib_roundtrip_exact val_loss:2.07269931 val_bpb:1.22736580")\n'
)
METRIC = "final_int8_zlib_roundtrip_exact"
ARTIFACT = {"artifact": "final_model.int8.ptz"}
WRITES = 'open("final_model.int8.ptz", "wb").write(b"weights")\n'
HANGS = "import time\nprint('waiting', flush=True)\ntime.sleep(600)\n"


@pytest.fixture(autouse=True)
def fast_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "IDLE_LOOK_SECONDS", 0.3)


def test_a_script_that_ends_well_gives_its_metric_and_its_outputs(tmp_path: Path) -> None:
    last = run_script(tmp_path, WRITES + SCORE, outputs=ARTIFACT, metric=METRIC).finished
    assert last.outputs["metric"] == {"name": METRIC, "value": 1.2273658}
    assert last.outputs["scores"] == {"final_int8_zlib_roundtrip": 1.2273658}
    assert last.outputs["bytes"] == {"artifact": 7, "code": len(WRITES + SCORE)}
    assert last.outputs["notes"] == []
    assert last.outputs["clocks"]["process_seconds"] > 0
    assert {name for name, value in last.outputs.items() if value is None} == {"artifact", "log", "metrics"}
    assert last.files["artifact"] == b"weights"
    assert b"final_int8_zlib_roundtrip_exact" in last.files["log"]
    json.dumps(last.outputs, allow_nan=False)


def test_one_that_hangs_after_its_metric_is_done_with_a_note(tmp_path: Path) -> None:
    began = time.monotonic()
    last = run_script(tmp_path, WRITES + SCORE + HANGS, outputs=ARTIFACT, metric=METRIC).finished
    seconds = time.monotonic() - began
    assert last.outputs["metric"]["value"] == 1.2273658
    (note,) = last.outputs["notes"]
    assert "had not ended after 1 s of silence" in note
    assert last.outputs["clocks"]["process_seconds"] < seconds - GRACE_SECONDS, (
        "the time in which it did nothing is not its own"
    )


def test_one_without_a_metric_that_hangs_after_its_outputs_is_done(tmp_path: Path) -> None:
    last = run_script(tmp_path, WRITES + HANGS, outputs=ARTIFACT).finished
    assert "had not ended" in last.outputs["notes"][0]


@pytest.mark.parametrize("metric", [None, METRIC])
@pytest.mark.parametrize("by", ["itself", "a program"])
def test_one_that_computes_in_silence_is_not_ended(tmp_path: Path, metric: str | None, by: str) -> None:
    computes = "import time\nuntil = time.monotonic() + 2.5\nwhile time.monotonic() < until: pass\n"
    if by == "a program":  # whose environment is not the script's
        computes = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {computes!r}], env={{}})\n"
    last = run_script(tmp_path, WRITES + SCORE + computes + "print('late')\n", outputs=ARTIFACT, metric=metric).finished
    assert last.outputs["notes"] == []
    assert b"late" in last.files["log"]


def test_a_busy_one_is_done_when_it_has_been_silent_for_too_long(tmp_path: Path) -> None:
    spins = WRITES + SCORE + "while True: pass\n"
    last = run_script(tmp_path, spins, outputs=ARTIFACT, metric=METRIC, silence_seconds=2.0).finished
    assert "had not ended" in last.outputs["notes"][0]


def test_an_output_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    slow = """
import time
with open("final_model.int8.ptz", "wb", buffering=0) as f:
    for _ in range(8):
        f.write(b"part")
        time.sleep(0.25)
time.sleep(600)
"""
    last = run_script(tmp_path, SCORE + slow, outputs=ARTIFACT, metric=METRIC).finished
    assert last.files["artifact"] == b"part" * 8


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (WRITES, "it ended without an error and printed no line of the metric 'final_int8_zlib_roundtrip_exact'"),
        (SCORE, "it ended without an error and it did not write final_model.int8.ptz (role artifact)"),
        (
            WRITES + SCORE + SCORE.replace("1.22736580", "1.31"),
            "the metric 'final_int8_zlib_roundtrip_exact' has different values, 1.2273658 and 1.31; "
            "name a line printed once",
        ),
        (
            "import os\nos.mkdir('final_model.int8.ptz')\n" + SCORE,
            "it ended without an error and final_model.int8.ptz (role artifact) is not a file but a folder, pipe or "
            "device",
        ),
        (
            "import os\nos.symlink('/etc/hostname', 'final_model.int8.ptz')\n" + SCORE,
            "it ended without an error and final_model.int8.ptz (role artifact) is a link to /etc/hostname, "
            "out of its folder",
        ),
    ],
    ids=["no metric", "no output", "two values", "folder", "link"],
)
def test_one_that_ends_well_without_what_its_stage_says_has_failed_for_good(
    tmp_path: Path, source: str, reason: str
) -> None:
    failed = run_script(tmp_path, source, outputs=ARTIFACT, metric=METRIC).failed
    assert (failed.failure, failed.reason) == (Failure.BAD_CONFIGURATION, reason)


def test_a_link_within_its_folder_is_an_output(tmp_path: Path) -> None:
    linked = 'import os\nopen("x", "wb").write(b"weights")\nos.symlink("x", "final_model.int8.ptz")\n'
    assert run_script(tmp_path, linked, outputs=ARTIFACT).finished.files["artifact"] == b"weights"


def test_a_file_that_was_there_before_is_no_output(tmp_path: Path) -> None:
    failed = run_script(
        tmp_path, SCORE, outputs=ARTIFACT, present={"old": ARTIFACT["artifact"]}, inputs={"in:old": b"before"}
    ).failed
    assert "did not write final_model.int8.ptz" in failed.reason


def test_what_was_written_before_a_crash_is_kept(tmp_path: Path) -> None:
    crashes = WRITES + "raise RuntimeError('evaluation\\nbroke')\n"
    failed = run_script(tmp_path, crashes, outputs={**ARTIFACT, "weights": "final_model.pt"}, metric=METRIC).failed
    assert (failed.failure, failed.reason) == (Failure.CRASH, "RuntimeError: evaluation")
    assert failed.files == {"artifact": b"weights"}
    assert "Traceback" in failed.log


def test_the_exception_of_one_rank_is_the_reason_and_not_how_the_others_saw_it(tmp_path: Path) -> None:
    """Torchrun's summary names the rank that failed first; it has ended another one, which says nothing either."""
    log = """[rank0]: RuntimeError: [../gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:4242
[rank1]: IndexError: window 7
    exitcode  : -15 (pid: 8)
    traceback : Signal 15 (SIGTERM) received by PID 8
Root Cause (first observed failure):
    exitcode  : 1 (pid: 9)
"""
    failed = run_script(tmp_path, f"import sys\nprint({log!r})\nsys.exit(1)\n").failed
    assert (failed.failure, failed.reason) == (Failure.CRASH, "IndexError: window 7")


def test_one_without_a_metric_that_crashes_after_its_outputs_leaves_all_that_later_stages_need(tmp_path: Path) -> None:
    trained = 'print("step:10/10 train_loss:2.1 train_time:900ms step_avg:90.0ms", flush=True)\n'
    failed = run_script(tmp_path, trained + WRITES + "raise RuntimeError('broke')\n", outputs=ARTIFACT).failed
    assert (failed.failure, failed.reason) == (Failure.CRASH, "RuntimeError: broke")
    assert failed.outputs[FAILED_AFTER] == "crash: RuntimeError: broke"
    assert failed.outputs["notes"] == ["it failed after its outputs were complete (crash: RuntimeError: broke)"]
    assert failed.outputs["bytes"]["artifact"] == 7
    assert set(failed.files) == {"artifact", "log", "metrics"}


@pytest.mark.parametrize(
    "source",
    [
        'print("step:5/10 train_loss:2.1 train_time:900ms step_avg:90.0ms", flush=True)\n' + WRITES,
        WRITES.replace("int8", "other"),
        WRITES + 'print("step:10/10 train_loss:nan train_time:900ms step_avg:90.0ms", flush=True)\n',
    ],
    ids=["in training", "another file", "not finite"],
)
def test_one_that_crashes_before_all_is_complete_leaves_nothing_to_go_on_from(tmp_path: Path, source: str) -> None:
    assert run_script(tmp_path, source + "raise RuntimeError('broke')\n", outputs=ARTIFACT).failed.outputs == {}


def test_one_with_a_metric_that_it_did_not_print_leaves_nothing_to_go_on_from(tmp_path: Path) -> None:
    failed = run_script(tmp_path, WRITES + "raise RuntimeError('broke')\n", outputs=ARTIFACT, metric=METRIC).failed
    assert (failed.files, failed.outputs) == ({"artifact": b"weights"}, {})


def test_an_output_that_cannot_be_kept_hides_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MOST_BYTES", 3)
    failed = run_script(tmp_path, WRITES + "raise RuntimeError('broke')\n", outputs=ARTIFACT).failed
    assert (failed.failure, failed.reason, failed.files) == (Failure.CRASH, "RuntimeError: broke", {})


def test_what_was_being_written_when_it_was_ended_is_not_kept(tmp_path: Path) -> None:
    partly = 'import time\nf = open("final_model.int8.ptz", "wb", buffering=0)\nwhile True:\n'
    partly += "    f.write(b'part'); time.sleep(0.1)\n"
    failed = run_script(tmp_path, partly, outputs=ARTIFACT, max_seconds=1.0).failed
    assert (failed.failure, failed.reason) == (Failure.OVER_TIME, "ran past max_seconds (1 s) and was ended")
    assert failed.files == {}


def test_one_that_is_silent_for_too_long_before_its_work_is_complete_hangs(tmp_path: Path) -> None:
    failed = run_script(tmp_path, SCORE + HANGS, outputs=ARTIFACT, metric=METRIC, silence_seconds=2.0).failed
    assert (failed.failure, failed.reason) == (Failure.HANG, "no output for 2 s")


IDLE = {"silence_seconds": 60.0, "idle_seconds": 1.5}


def test_one_that_does_nothing_at_all_hangs_long_before_it_was_silent_for_too_long(tmp_path: Path) -> None:
    failed = run_script(tmp_path, HANGS, **IDLE).failed
    reason = "for 1.5 s it printed nothing, wrote nothing and used no processor"
    assert (failed.failure, failed.reason) == (Failure.HANG, reason)


def test_with_its_last_score_printed_it_is_done_with_a_note(tmp_path: Path) -> None:
    last = run_script(tmp_path, SCORE + HANGS, metric=LAST_SCORE, **IDLE).finished
    assert last.outputs["metric"] == {"name": "final_int8_zlib_roundtrip", "value": 1.2273658}
    assert "had not ended after 1.5 s of silence" in last.outputs["notes"][0]


def test_in_the_midst_of_its_training_it_hangs_although_it_has_printed_a_score(tmp_path: Path) -> None:
    midst = 'print("step:5/10 val_loss:2.1 val_bpb:1.3 train_time:900ms step_avg:90.0ms")\n'
    assert run_script(tmp_path, midst + HANGS, metric=LAST_SCORE, **IDLE).failed.failure == Failure.HANG


@pytest.mark.parametrize(
    "sign",
    [
        "open('logs/run.txt', 'a').write('still here\\n')",
        "open(f'block.{time.monotonic_ns()}', 'wb').write(b'x')",
    ],
    ids=["its log file", "a file"],
)
def test_silence_on_the_terminal_is_no_hang_while_its_files_change(tmp_path: Path, sign: str) -> None:
    source = f"import os, time\nos.mkdir('logs')\nfor _ in range(6):\n    time.sleep(0.4)\n    {sign}\n{SCORE}"
    assert run_script(tmp_path, source, metric=METRIC, silence_seconds=2.0).finished.outputs["metric"]["value"]


def test_a_loss_that_is_not_a_number_ends_it_at_once(tmp_path: Path) -> None:
    source = 'print("step:10/100 train_loss:nan train_time:900ms step_avg:90.0ms", flush=True)\n' + WRITES + HANGS
    failed = run_script(tmp_path, source, outputs=ARTIFACT).failed
    assert failed.failure == Failure.DIVERGED
    assert failed.reason == "not finite: step:10/100 train_loss:nan train_time:900ms step_avg:90.0ms"
    assert failed.files == {}, "weights that are not finite are of no use"


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "END_SECONDS", 0.5)
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    assert run_script(tmp_path, deaf + SCORE + HANGS, metric=METRIC).finished.outputs["metric"]["value"] == 1.2273658


def test_processes_that_it_leaves_are_ended_with_a_note(tmp_path: Path) -> None:
    leaves = 'import subprocess\nsubprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True)\n'
    last = run_script(tmp_path, SCORE + leaves, metric=METRIC).finished
    assert last.outputs["notes"] == ["3 processes that it had left running were ended"]


def test_one_that_leaves_a_process_that_prints_on_and_cannot_be_found_still_ends(tmp_path: Path) -> None:
    prints = "import time\nuntil = time.monotonic() + 30\nwhile time.monotonic() < until:\n"
    prints += "    print('x', flush=True); time.sleep(0.2)\n"
    leaves = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {prints!r}], env={{}})\n"
    began = time.monotonic()
    assert run_script(tmp_path, SCORE + leaves, metric=METRIC).finished.outputs["metric"]["value"] == 1.2273658
    assert time.monotonic() - began < 25.0


def test_of_very_much_output_the_beginning_and_the_end_are_kept_and_all_of_it_is_read(tmp_path: Path) -> None:
    source = f"""
import sys
print("the first line")
for number in range(600):
    if number == 300:
        {SCORE.splitlines()[1]}
    sys.stdout.write("x" * 99 + "\\n" + "y" * 9900 + "\\n")
print("the last line")
"""
    ended = run_script(tmp_path, source, metric=METRIC)
    assert ended.finished.outputs["metric"]["value"] == 1.2273658
    log = ended.finished.files["log"]
    assert len(log) < 2**23
    assert log.startswith(b"the first line\n")
    assert log.endswith(b"the last line\n")
    assert log.count(b"bytes left out here]") == 1


def test_output_that_is_no_text_is_kept_as_it_is(tmp_path: Path) -> None:
    source = "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\x00 caf\\xe9\\n')\nsys.stdout.flush()\n" + SCORE
    last = run_script(tmp_path, source, metric=METRIC).finished
    assert last.files["log"].startswith(b"\xff\xfe\x00 caf\xe9\n")


def test_a_port_that_is_taken_is_a_failure_of_the_collective(tmp_path: Path) -> None:
    source = "import socket\na = socket.create_server(('127.0.0.1', 0))\nsocket.create_server(a.getsockname())\n"
    failed = run_script(tmp_path, source).failed
    assert failed.failure == Failure.COLLECTIVE
    assert "Address already in use" in failed.reason


def test_its_own_log_file_is_read_for_what_it_does_not_print(tmp_path: Path) -> None:
    source = "import os, sys\nos.mkdir('logs')\nsys.stdout = open('logs/a.txt', 'w')\n" + SCORE
    last = run_script(tmp_path, source, metric=METRIC).finished
    assert last.outputs["metric"]["value"] == 1.2273658
