"""`golfsweep gc`: counts by default, deletes when told, and says so as text or JSON."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from jobs.garbage import SPARED_SECONDS
from jobs.workplace import Workplace
from tests.schemas import check_document


def golfsweep(*words: object) -> str:
    command = [sys.executable, "-m", "sweeps.cli", *map(str, words)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "--json" in words:
        check_document(words, out)
    return out


def test_gc_counts_then_deletes_then_finds_nothing(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    place.files.put(b"left by a crash")
    place.store.close()
    [path] = [path for path in place.home.files.rglob("*") if path.is_file()]
    os.utime(path, (time.time() - SPARED_SECONDS - 60,) * 2)
    reason = "not in the database: left by a crash"
    counted = json.loads(golfsweep("gc", "--home", tmp_path, "--json"))
    expected = {"count": 1, "bytes": 15, "reasons": [{"reason": reason, "count": 1, "bytes": 15}]}
    assert counted == {"deleted": False, **expected}
    text = golfsweep("gc", "--home", tmp_path)
    assert reason in text and "golfsweep gc --delete" in text and path.exists()
    assert json.loads(golfsweep("gc", "--home", tmp_path, "--delete", "--json")) == {"deleted": True, **expected}
    assert not path.exists()
    assert golfsweep("gc", "--home", tmp_path) == "Nothing to delete.\n"
