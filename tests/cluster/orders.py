"""Orders for a tiny model on the bundled corpus, made by hand as a driver would make them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from golf.artifact.packing import QuantizeConfig
from golf.data.corpus import DEMO_TUNING_DOCUMENTS, DemoData
from golf.data.tokens import find_shards
from golf.model.gpt import ModelConfig
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig
from jobs.machine.digests import digest_of
from jobs.machine.environment import machine
from jobs.spec import Job, Order
from jobs.stages.registry import stage_named

MODEL = ModelConfig(
    num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, bigram_buckets=64, bigram_dim=8
)
TRAIN = TrainConfig(
    gpus=2, max_seconds=None, steps=6, batch_tokens=256, seq_len=64, warmup_steps=1, warmdown_steps=3, model=MODEL
)
EVAL = EvalConfig(gpus=2, chunk=512, window=512, max_seconds=None)


def _documents(split: str, count: int) -> dict[str, Any]:
    return {"split": split, "first": 0, "count": count, "holdout_documents": DEMO_TUNING_DOCUMENTS}


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders on one corpus."""

    demo: DemoData

    def train(self, config: TrainConfig = TRAIN, seed: int = 1) -> Order:
        settings = {"train": asdict(config), "holdout_documents": DEMO_TUNING_DOCUMENTS}
        inputs = {"tokens": digest_of(find_shards(self.demo.tokens, "train"))}
        return self._order("train", settings, inputs, seed, config.gpus, {"tokens": self.demo.tokens})

    def quantize(self, weights: str) -> Order:
        settings = {
            "quantize": asdict(QuantizeConfig()),
            "model": asdict(MODEL),
            "documents": _documents("tune", 1),
            "tokens": 64,
        }
        inputs = {"weights": weights, **self._read("tune")}
        return self._order("quantize", settings, inputs, 1, 1, self._places())

    def evaluate(self, artifact: str, config: EvalConfig = EVAL, documents: int = 4, split: str = "tune") -> Order:
        inputs = {"artifact": artifact, **self._read(split)}
        settings = {"eval": asdict(config), "documents": _documents(split, documents)}
        return self._order("eval", settings, inputs, 1, config.gpus, self._places())

    def _read(self, split: str) -> dict[str, str]:
        shards = find_shards(self.demo.tokens, "train" if split == "tune" else "val")
        return {"tokens": digest_of(shards), "tokenizer": digest_of([self.demo.tokenizer])}

    def _places(self) -> dict[str, Path]:
        return {"tokens": self.demo.tokens, "tokenizer": self.demo.tokenizer}

    def _order(
        self,
        stage: str,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        seed: int,
        slots: int,
        places: Mapping[str, Path],
    ) -> Order:
        job = Job(
            stage=stage,
            settings=settings,
            inputs=inputs,
            seed=seed,
            machine=machine(slots),
            arithmetic=stage_named(stage).version,
        )
        shown = {name: str(path) for name, path in places.items()}
        return Order(job=job, sweep="tiny", label=f"{stage} seed {seed}", slots=slots, places=shown)
