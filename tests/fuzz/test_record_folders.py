"""Hostile record folders: changed submissions and logs, odd names, and files that are none."""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

from sweeps.records import review
from sweeps.records.entries import to_content, to_entry
from sweeps.records.judging.findings import judge_record
from sweeps.records.reading.folder import find_folders, read_folder
from sweeps.records.record import build_record
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import mutate, mutate_json, nest
from tests.sweeps.records import miniature as mini

LOGS = (mini.first_era(42), mini.sliding_era(42), mini.phased_era(42), mini.closed_era(42))
SUBMISSION: dict[str, Any] = {
    "name": "a record", "author": "Ada", "date": "2026-03-17", "val_bpb": 1.2001, "val_loss": 2.0264,
    "val_bpb_std": 0.001, "bytes_total": 15_050_000, "bytes_code": 50_000, "train_time_seconds": 599.9,
    "eval_time_seconds": 60, "steps": 9000, "seeds": [42, 7], "model_params": 17_000_000,
    "seed_results": {"42": {"val_bpb": 1.2001, "artifact_bytes": 15_050_000}, "7": {"val_bpb": 1.2003}},
    "p_value": 0.004, "t_statistic": 9.1, "sota_bpb": 1.2244, "url": "https://github.com/x/y/pull/1",
    "description": "beats 1.2244 over 3 seeds, p < 0.01",
}  # fmt: skip
NAMES = ("seed_7", "\x1b[2Jx", "a\nb", "[red]x", "| `x` |", "\u202etxt.gol", "x" * 200, "\udcff")


def test_every_record_folder_is_refused_or_judged_in_plain_text(tmp_path: Path) -> None:
    root = tmp_path / "record"

    def attempt(chance: random.Random) -> None:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        kind = chance.randrange(6)
        submission = SUBMISSION
        for _ in range(chance.randint(0, 3)):
            submission = mutate_json(submission, chance) if isinstance(submission, dict) else submission
        text = json.dumps(submission).encode()
        text = mutate(text, chance) if kind == 0 else nest(chance.choice([50, 100_000]), chance) if kind == 1 else text
        (root / "submission.json").write_bytes(text)
        for name in chance.sample(NAMES, chance.randint(0, 3)):
            log = chance.choice(LOGS).encode()
            (root / f"{name}.log").write_bytes(mutate(log, chance) if chance.random() < 0.7 else log)
        if kind == 2:
            _add_no_files(root, chance)
        if kind == 3:
            (root / "logs").mkdir()
            (root / "logs" / "big.log").touch()
            os.truncate(root / "logs" / "big.log", chance.choice([2**20, 2**33]))
        if is_refused(lambda: read_folder(root)):
            return
        record = build_record(read_folder(root))
        findings = judge_record(record)
        _check_plain(json.dumps(review.to_json(record, findings), allow_nan=False))
        _check_plain(json.dumps(to_entry(to_content(record, findings)), allow_nan=False, default=str))
        markdown = review.to_markdown(record, findings)
        assert all(char.isprintable() or char == "\n" for char in markdown), "a control character in the review"
        assert find_folders(root) == [root]

    fuzz(attempt, name="record folder", attempts=80)


def _check_plain(text: str) -> None:
    """What goes into a database must be Unicode that every database takes."""
    assert "\\u0000" not in text
    json.loads(text.encode())
    assert "\\ud" not in text.lower() or json.loads(text).__repr__().encode()


def _add_no_files(root: Path, chance: random.Random) -> None:
    kind = chance.randrange(5)
    if kind == 0:
        os.mkfifo(root / "pipe.log")
    elif kind == 1:
        (root / "loop").symlink_to(root, target_is_directory=True)
        (root / "loop.log").symlink_to("loop.log")
    elif kind == 2:
        (root / "submission.json").unlink()
        os.mkfifo(root / "submission.json")
    elif kind == 3:
        (root / "zero.log").symlink_to("/dev/zero")
    else:
        (root / "submission.json").unlink()
        (root / "submission.json").mkdir()
