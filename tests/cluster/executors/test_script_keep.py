"""A script without any switch evaluates a kept artifact: what it writes there goes aside, what it reads is kept."""

from pathlib import Path

import pytest

from jobs.events import Failure
from tests.scripts import run_script

SCRIPT = """
import hashlib, os, random, subprocess
random.seed(int(os.environ["SEED"]))
weights = bytes(64)
for step in range(int(os.environ["ITERATIONS"])):
    weights = hashlib.sha512(weights + random.randbytes(8)).digest()
with open("final_model.pt", "wb") as stream:
    stream.write(weights)
with open("artifact.tmp", "wb") as stream:
    stream.write(weights[:32])
os.replace("artifact.tmp", "final_model.int8.ptz")
subprocess.run("cp final_model.int8.ptz copy; mv copy final_model.int8.ptz", shell=True, check=True)
with open("final_model.int8.ptz", "rb") as stream:
    artifact = stream.read()
score = 1 + int.from_bytes(artifact[:4], "big") / 2**32
print(f"final_int8_zlib_roundtrip_exact val_loss:{score:.8f} val_bpb:{score:.8f}")
"""
METRIC = "final_int8_zlib_roundtrip_exact"
ENVIRONMENT = {"SEED": "{seed}", "ITERATIONS": "20"}
UNTRAINED = {"SEED": "7", "ITERATIONS": "0"}


def test_an_artifact_that_is_kept_is_what_is_evaluated(tmp_path: Path) -> None:
    out = {"weights": "final_model.pt", "artifact": "final_model.int8.ptz"}
    trained = run_script(tmp_path / "train", SCRIPT, env=ENVIRONMENT, outputs=out, metric=METRIC).finished
    inputs = {f"in:{role}": trained.files[role] for role in out}
    evaluated = run_script(tmp_path / "eval", SCRIPT, env=UNTRAINED, keep=out, inputs=inputs, metric=METRIC).finished
    assert evaluated.outputs["metric"] == trained.outputs["metric"]
    unkept = run_script(tmp_path / "other", SCRIPT, env=UNTRAINED, metric=METRIC).finished
    assert unkept.outputs["metric"] != trained.outputs["metric"], "the kept artifact is why they are the same"


@pytest.mark.parametrize("hides", ["env -i /bin/sh -c", "env -u LD_PRELOAD -u GOLFSWEEP_KEPT /bin/sh -c"])
def test_a_result_that_may_be_of_another_artifact_is_refused(tmp_path: Path, hides: str) -> None:
    changes = f"import os\nos.system({hides!r} + ' \"chmod u+w a.ptz; echo new > a.ptz\"')\n" + SCRIPT
    failed = run_script(
        tmp_path, changes, env=UNTRAINED, keep={"artifact": "a.ptz"}, inputs={"in:artifact": b"kept"}, metric=METRIC
    ).failed
    assert failed.failure == Failure.BAD_CONFIGURATION
    assert failed.reason.startswith("a.ptz: a program changed this kept file")
    assert failed.files == {}
