"""Our trainer as the program of a gang: its command, and the files by which it tells how far it is and what it made."""

import io
import json
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from golf.files import write_atomically
from jobs.events import Failure, Finished
from jobs.program import CHECKPOINT as CHECKPOINT_INPUT
from jobs.program import LOG, GangEnd, Program
from jobs.spec import Order
from jobs.stages.work.gang_folder import read_errors, write_order
from jobs.stages.work.settings import train_config

RESULT = "result.json"
CHECKPOINT, TRACE, WEIGHTS = "checkpoint.safetensors", "metrics.jsonl", "weights.safetensors"
RANK = "jobs.stages.rank"
"""The module that each rank executes."""


class Trainer(Program):
    """The gang of a training job."""

    advance = "step"
    advance_file = TRACE
    checkpoint_file = CHECKPOINT
    large_files = (CHECKPOINT, WEIGHTS)
    stack_word = RANK

    def __init__(self, order: Order) -> None:
        self._order, self._config = order, train_config(order)

    def prepare(self, folder: Path, inputs: Mapping[str, bytes]) -> None:
        write_order(folder, self._order)
        if (checkpoint := inputs.get(CHECKPOINT_INPUT)) is not None:
            with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
                for name in (CHECKPOINT, TRACE):
                    write_atomically(folder / name, archive.read(name))

    def command(self, folder: Path) -> Sequence[str]:
        return [sys.executable, "-u", "-m", RANK, str(folder), repr(time.monotonic())]

    def working_folder(self, folder: Path) -> Path | None:
        return None  # ranks import this package from where it was imported here

    def environment(self, folder: Path, own: Mapping[str, str]) -> Mapping[str, str]:
        return {**own, "OMP_NUM_THREADS": str(self._order.job.machine.threads)}

    def progress(self, folder: Path) -> tuple[float, str]:
        last = _last_line(folder / TRACE)
        if not last:
            return 0.0, "starting"
        limits = ((last["step"], self._config.steps), (last["train_seconds"], self._config.max_seconds))
        fraction = max((done / limit for done, limit in limits if limit), default=0.0)
        return min(1.0, fraction), f"step {last['step']}, loss {last['loss']:.3f}"

    def pack_checkpoint(self, folder: Path) -> bytes:
        """A checkpoint and the trace up to it (and perhaps some lines further, which resuming cuts off)."""
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            for name in (CHECKPOINT, TRACE):
                archive.writestr(name, (folder / name).read_bytes())
        return bundle.getvalue()

    def finish(self, folder: Path, end: GangEnd) -> Finished:
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        written = result.pop("written")
        # What came after the result was written belongs to the whole process, too: the ranks' and torchrun's own end.
        for name in ("other_seconds", "process_seconds"):
            result["clocks"][name] += max(0.0, end.at - written)
        files = {"weights": WEIGHTS, "metrics": TRACE, "log": LOG}
        contents = {name: (folder / file).read_bytes() for name, file in files.items()}
        last = _last_line(folder / TRACE) or {}
        outputs = {**result, **dict.fromkeys(files)}
        return Finished(outputs=outputs, files=contents, peak_bytes=last.get("peak_memory_bytes"))

    def errors(self, folder: Path) -> list[tuple[Failure, str]]:
        """Causes before consequences: a rank that lost the others is rarely to blame."""
        return read_errors(folder)


def _last_line(path: Path) -> Mapping[str, Any] | None:
    """The last complete JSON line of a file that is being written."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    return json.loads(lines[-1]) if lines else None
