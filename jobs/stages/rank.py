"""What every rank of a training gang executes: `python -m jobs.stages.rank FOLDER LAUNCHED` under torchrun.

LAUNCHED is the second of the monotonic clock at which torchrun was started. The folder holds order.json; the training's
files appear in it. A rank that fails says why in error.RANK.json, and one that is sent SIGUSR1 prints where each of its
threads stands.
"""

import faulthandler
import logging
import signal
import sys
from pathlib import Path

import torch

from golf.errors import InputError
from golf.train.process_group import end_process
from golf.train.training import train
from jobs.stages.work.documents import training_stream
from jobs.stages.work.gang_folder import read_order, write_error
from jobs.stages.work.memory import training_problem
from jobs.stages.work.settings import train_config


def main(folder: Path, launched: float) -> None:
    """Train as this rank; the exit code is 0 only when the training is complete."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    order = read_order(folder)
    torch.set_num_threads(order.job.machine.threads)
    try:
        config = train_config(order)
        if (problem := training_problem(config)) is not None:  # before anything is allocated for it
            raise InputError(problem)
        tokens = training_stream(order)
        train(config, tokens=tokens, seed=order.job.seed, out=folder, launched=launched)
    except Exception as error:
        write_error(folder, error)
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
    end_process()
