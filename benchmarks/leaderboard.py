"""How long the leaderboard takes with a hundred thousand runs: `python -m benchmarks.leaderboard HOME`.

    table      100,000 evaluations as 33,334 rows of three seeds, from objects to a frame, every test and rank included
    one more   the same board after one more seed has come in
    store      the leaderboard of HOME's latest sweep, once 100,000 further finished jobs stand in its store (a copy)

Prints one JSON document: processor seconds of each, the best of three.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import create_engine, insert, select

from jobs.database import tables
from jobs.paths import Home
from jobs.workplace import Workplace
from sweeps.board.leaderboard import Board, Evaluation, ValidationSet, open_board
from sweeps.entries.reading import board_of

RUNS, SEEDS = 100_000, 3
TEXT = ValidationSet(data="val", tokenizer="1024.model", documents=50_000, tokens=62_000_000, bytes=151_000_000)


CLOCKS = {
    "train.train_seconds": 599.0,
    "train.process_seconds": 640.0,
    "eval.eval_seconds": 400.0,
    "eval.process_seconds": 410.0,
}


def evaluations(count: int) -> list[Evaluation]:
    """Made-up evaluations of recipes that differ a little, each day some."""
    generator = np.random.default_rng(0)
    quality = generator.normal(1.1, 0.01, count // SEEDS + 1)
    noise = generator.normal(0, 0.0008, count)
    return [
        Evaluation(
            row=f"row {n // SEEDS}",
            seed=n % SEEDS,
            sweep="sweep",
            nll=float(quality[n // SEEDS] + noise[n]) * TEXT.bytes * 0.693147,
            text=TEXT,
            scores=None,
            artifact=str(n),
            model_bytes=15_900_000,
            code_bytes=70_000,
            clocks=CLOCKS,
            cost=4.0,
            stage=(float(n // SEEDS // 10), 0),
            whole_set=True,
            fresh_seed=True,
            steps=7000,
        )
        for n in range(count)
    ]


def seconds(call: Callable[[], Any]) -> float:
    """Processor seconds of a call: what it takes on a machine that does nothing else."""
    started = time.process_time()
    call()
    return time.process_time() - started


def table(runs: list[Evaluation]) -> tuple[float, Board]:
    """A board from nothing."""
    board = open_board(profile="accepted", baseline="row 0")
    return seconds(lambda: (board.add(runs), board.table())), board


def one_more(board: Board, run: Evaluation, seed: int) -> float:
    """One evaluation more on a board that stands."""
    more = replace(run, seed=seed)
    return seconds(lambda: (board.add([more]), board.table()))


def store(home: Path) -> list[float]:
    """The leaderboard of a home's latest sweep beside very many jobs that are none of its rows."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(home, Path(folder) / "home", ignore=shutil.ignore_patterns("attempts", "data"))
        engine = create_engine(Home(copy).database_url)
        with engine.begin() as connection:
            job = connection.execute(select(tables.jobs).where(tables.jobs.c.stage == "eval")).mappings().first()
            assert job is not None
            sweep = connection.execute(select(tables.sweep_jobs.c.sweep)).scalar()
            keys = [f"{n:064x}" for n in range(RUNS)]
            jobs = [dict(job) | {"key": key, "number": 10_000 + n} for n, key in enumerate(keys)]
            connection.execute(insert(tables.jobs), jobs)
            connection.execute(insert(tables.sweep_jobs), [{"sweep": sweep, "key": k, "label": "x"} for k in keys])
        place = Workplace.open(copy)
        latest = place.store.sweeps()[-1].name
        return [seconds(lambda: board_of(latest, place).table()) for _ in range(3)]


def main() -> None:
    """Measure and print."""
    runs = evaluations(RUNS)
    measured = [table(runs) for _ in range(3)]
    board = measured[-1][1]
    found = {
        "table": min(taken for taken, _ in measured),
        "one more": min(one_more(board, runs[0], seed) for seed in range(10, 13)),
        "store": min(store(Path(sys.argv[1]))),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
