"""What every rank of a training gang executes: `python -m jobs.stages.rank WORKDIR LAUNCHED` under torchrun.

LAUNCHED is the monotonic clock's second at which torchrun was started. The folder holds order.json; the training's
files appear in it. A rank that fails says why in error.RANK.json, and one that is sent SIGUSR1 prints where each of its
threads stands.
"""

import ctypes
import faulthandler
import json
import logging
import os
import signal
import sys
from pathlib import Path

import torch

from golf.files import write_atomically
from golf.train.process_group import end_process
from golf.train.training import train
from jobs.events import Failure
from jobs.failures import classify
from jobs.spec import Job, Order
from jobs.stages.run import train_config, training_stream

PR_SET_PDEATHSIG = 1
ORDER_FILE = "order.json"


def die_with_torchrun() -> None:
    """Have the kernel kill this rank when torchrun ends, which gives each a session of its own (prctl(2), Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = Path(f"/proc/{os.getppid()}/cmdline")
    if parent.exists() and b"torch.distributed.run" not in parent.read_bytes():
        sys.exit("torchrun ended before this rank began")


def write_order(workdir: Path, order: Order) -> None:
    """Leave an order in a gang's folder."""
    content = {"job": order.job.canonical(), "places": dict(order.places), "label": order.label, "sweep": order.sweep}
    write_atomically(workdir / ORDER_FILE, json.dumps(content).encode())


def read_order(workdir: Path) -> Order:
    """Read it back."""
    content = json.loads((workdir / ORDER_FILE).read_text())
    return Order(
        job=Job.from_json(content["job"]),
        places=content["places"],
        label=content["label"],
        sweep=content["sweep"],
    )


def write_error(workdir: Path, error: Exception) -> None:
    """Leave what this rank failed of."""
    found = {"failure": classify(error), "reason": " ".join(str(error).split()) or type(error).__name__}
    write_atomically(workdir / f"error.{os.environ.get('RANK', '0')}.json", json.dumps(found).encode())


def read_errors(workdir: Path) -> list[tuple[Failure, str]]:
    """What the ranks failed of, causes before consequences: a rank that lost the others is rarely to blame."""
    found = [json.loads(path.read_text()) for path in sorted(workdir.glob("error.*.json"))]
    errors = [(Failure(one["failure"]), str(one["reason"])) for one in found]
    return sorted(errors, key=lambda error: error[0] == Failure.COLLECTIVE)


def main(workdir: Path, launched: float) -> None:
    """Train as this rank; the exit code is 0 only when the training is complete."""
    die_with_torchrun()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    order = read_order(workdir)
    torch.set_num_threads(order.job.machine.threads)
    try:
        config, tokens = train_config(order), training_stream(order)
        train(config, tokens=tokens, seed=order.job.seed, out=workdir, launched=launched)
    except Exception as error:
        write_error(workdir, error)
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
    end_process()
