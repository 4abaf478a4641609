"""Leaks: many jobs in one driver's life must leave nothing but their results.

    python -m benchmarks.leaks --jobs 200

Quantizations of a tiny model run through one scheduler on Ray. Processes, file descriptors, bytes of the object store,
resident memory and disk beyond the file store are measured after a tenth of the jobs, when everything is warm, and at
the end.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import torch
from safetensors.torch import save

from cluster.executor import Executor
from cluster.scheduling.scheduler import Scheduler
from golf.artifact.packing import QuantizeConfig
from golf.data.corpus import DEMO_TUNING_DOCUMENTS, DemoData, build_demo
from golf.data.tokens import find_shards
from golf.model.gpt import GPT, ModelConfig
from jobs.files import FileStore
from jobs.machine.digests import digest_of
from jobs.machine.environment import machine
from jobs.paths import Home
from jobs.spec import Job, Order
from jobs.stages.quantize import QUANTIZE
from jobs.state import JobState
from jobs.store import Store

MODEL = ModelConfig(
    num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, bigram_buckets=64, bigram_dim=8
)
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a driver and all that it started hold at one moment."""

    processes: int
    descriptors: int
    """Of the driver."""
    resident_bytes: int
    """Of the driver."""
    object_store_bytes: int
    disk_bytes: int
    """Of the home, without the corpus, the contents that the jobs made and their rows in the database."""


def run(jobs: int, executor: Executor, folder: Path, object_store: Callable[[], int]) -> tuple[Usage, Usage]:
    """Run so many jobs; what was held after a tenth of them, and at the end."""
    home = Home(folder)
    store, files = Store.open(home.database_url), FileStore(home.files)
    store.put_sweep("leaks", {})
    model = GPT(MODEL)
    model.initialize(torch.Generator().manual_seed(0))
    weights = files.put(save({name: tensor.contiguous() for name, tensor in model.state_dict().items()}))
    data = build_demo(home.demo)
    for seed in range(jobs):
        store.put_job(_order(weights, data, seed))
    scheduler = Scheduler(store, files, executor, home)
    early: Usage | None = None
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        while (done := len(store.jobs(states=[JobState.DONE]))) < jobs:
            assert time.monotonic() < until, f"{done} of {jobs} jobs after {PATIENCE_SECONDS:.0f} s"
            scheduler.step(0.5)
            failed = store.jobs(states=[JobState.FAILED])
            assert not failed, failed[0].reason
            if early is None and done >= jobs / 10:
                early = _usage(folder, object_store)
        late = _usage(folder, object_store)
    finally:
        scheduler.stop()
        store.close()
    assert early is not None
    return early, late


def _order(weights: str, data: DemoData, seed: int) -> Order:
    settings = {
        "quantize": asdict(QuantizeConfig()),
        "model": asdict(MODEL),
        "documents": {"split": "tune", "first": 0, "count": 1, "holdout_documents": DEMO_TUNING_DOCUMENTS},
        "tokens": 16,
    }
    digests = {"tokens": digest_of(find_shards(data.tokens, "train")), "tokenizer": digest_of([data.tokenizer])}
    inputs = {"weights": weights, **digests}
    places = {"tokens": str(data.tokens), "tokenizer": str(data.tokenizer)}
    job = Job(
        stage=QUANTIZE.name,
        settings=settings,
        inputs=inputs,
        seed=seed,
        machine=machine(),
        arithmetic=QUANTIZE.version,
    )
    return Order(job=job, sweep="leaks", label=f"quantize seed {seed}", places=places)


def _usage(folder: Path, object_store: Callable[[], int]) -> Usage:
    this = psutil.Process()
    given = ("files", "data")
    kept = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in given]
    return Usage(
        processes=len(this.children(recursive=True)),
        descriptors=this.num_fds(),
        resident_bytes=this.memory_info().rss,
        object_store_bytes=object_store(),
        disk_bytes=sum(path.stat().st_size for path in kept if not path.name.startswith("golfsweep.db")),
    )


def _object_store_bytes() -> int:
    import ray
    from ray._private.internal_api import node_stats  # no public call tells the bytes in use

    [node] = ray.nodes()
    return int(node_stats(node["NodeManagerAddress"], node["NodeManagerPort"]).store_stats.object_store_bytes_used)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    options = parser.parse_args()
    from cluster.ray import cluster as ray_cluster
    from cluster.ray.executor import RayExecutor
    from cluster.ray.folders import RayFolder

    ray_folder = RayFolder()
    ray_cluster.start_local(2, ray_folder.path)
    executor = RayExecutor(ray_cluster.identity())
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="golfsweep-leaks-") as folder:
        early, late = run(options.jobs, executor, Path(folder), _object_store_bytes)
    seconds = time.monotonic() - started
    executor.close()
    ray_cluster.leave()
    ray_folder.end_processes()
    ray_folder.release(remove=True)
    print(
        json.dumps({"jobs": options.jobs, "seconds": seconds, "early": asdict(early), "late": asdict(late)}, indent=2)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
