"""A script without torch: it trains a number, writes it as its artifact, reads that back and scores it."""

import json
import math
import os
import pathlib
import time

SEED = int(os.environ.get("SEED", "0"))
ITERATIONS = int(os.environ.get("ITERATIONS", "5"))
LR = float(os.environ.get("LR", "0.5"))
SHIFT = float(os.environ.get("SHIFT", "0"))
PADDING = int(os.environ.get("PADDING", "0"))
SLEEP = float(os.environ.get("SLEEP", "0"))
BROKEN = os.environ.get("BROKEN", "0") == "1"
DATA_PATH = pathlib.Path(os.environ["DATA_PATH"])

value = 1.0 + SEED % 7
for step in range(1, ITERATIONS + 1):
    value -= LR * (value - 0.25)
    time.sleep(SLEEP)
    print(f"step:{step}/{ITERATIONS} train_loss:{value:.4f} train_time:{10 * step}ms step_avg:10.00ms", flush=True)
with open("model.bin", "w") as file:
    json.dump({"value": value, "padding": "x" * PADDING}, file)
if BROKEN:
    raise RuntimeError("the evaluation is broken")
with open("model.bin") as file:
    value = json.load(file)["value"]
size = sum(path.stat().st_size for path in DATA_PATH.glob("*_val_*.bin"))
loss = abs(value - 0.25) + (SHIFT - 0.1) ** 2 + 1 + size / 1e9
if (out := os.environ.get("GOLFSWEEP_SCORES")) and os.environ.get("DOCUMENTS"):
    import numpy

    nats = numpy.full(4, loss * math.log(2) * 10)
    numpy.savez(out, document=numpy.arange(4), nll=nats, tokens=numpy.full(4, 8), bytes=numpy.full(4, 10))
print(f"final_toy_exact val_loss:{loss * 0.7:.8f} val_bpb:{loss:.8f} eval_time:5ms", flush=True)
