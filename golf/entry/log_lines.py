"""The log lines of a run, in the format of the challenge's own script.

step:7/7000 train_loss:3.1415 train_time:574ms step_avg:82.00ms
Serialized model int6+ans: 15386247 bytes
Code size (compressed): 52280 bytes
Total submission size int6+ans: 15438527 bytes
final_int6_ttt_lora_exact val_loss:1.98… val_bpb:1.17… eval_time:32000ms
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from golf.artifact.packing import QuantizeConfig
from golf.score import bits_per_byte
from golf.train.config import TrainConfig
from golf.ttt.config import EvalConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Sizes of an entry in bytes."""

    model: int
    code: int
    """train_gpt.py as shipped."""
    source: int
    """Its modules before packing."""

    @property
    def total(self) -> int:
        """The size that counts against the limit."""
        return self.model + self.code


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """The score over all documents, and the time it took."""

    nll: float
    """In nats."""
    tokens: int
    bytes: int
    seconds: float
    process_seconds: float
    """Loading included; `seconds` is scoring alone."""

    @property
    def nats_per_token(self) -> float:
        return self.nll / self.tokens

    @property
    def bpb(self) -> float:
        return bits_per_byte(self.nll, self.bytes)


def setting_lines(config: TrainConfig, seed: int, world: int) -> Iterator[str]:
    """The seed and the main settings."""
    model = config.model
    yield f"seed:{seed}"
    yield (
        f"num_layers:{model.num_layers} model_dim:{model.model_dim} num_heads:{model.num_heads} "
        f"num_kv_heads:{model.num_kv_heads} vocab_size:{model.vocab_size}"
    )
    yield (
        f"train_batch_tokens:{config.batch_tokens} train_seq_len:{config.seq_len} "
        f"warmup_steps:{config.warmup_steps} world_size:{world}"
    )


def training_lines(metrics: Iterable[Mapping[str, Any]], result: Mapping[str, Any]) -> Iterator[str]:
    """Every logged step of a training (its metrics.jsonl), and its result (its result.json)."""
    steps, clocks = result["steps"], result["clocks"]
    for line in metrics:
        if line["step"] == steps:  # printed below with the final clocks
            break
        yield f"step:{line['step']}/{steps} train_loss:{line['loss']:.4f} {_time(line['step'], line['train_seconds'])}"
    yield f"step:{steps}/{steps} train_loss:{result['final_loss']:.4f} {_time(steps, clocks['train_seconds'])}"
    yield f"model_params:{result['parameters']} averaged:{result['averaged']} attention:{result['attention']}"
    yield f"phase:train wall_ms:{1000 * clocks['process_seconds']:.0f}"


def size_lines(sizes: Sizes, config: QuantizeConfig) -> Iterator[str]:
    """Sizes of model and code."""
    codec = f"int{config.bits}+{config.codec}"
    yield f"Serialized model {codec}: {sizes.model} bytes"
    yield f"Code size (uncompressed): {sizes.source} bytes"
    yield f"Code size (compressed): {sizes.code} bytes"
    yield f"Total submission size {codec}: {sizes.total} bytes"


def score_lines(total: Total, quantize: QuantizeConfig, config: EvalConfig) -> Iterator[str]:
    """The final score; its name says whether the model adapted."""
    name = f"final_int{quantize.bits}_{'roundtrip' if not config.adapts else 'ttt_lora'}_exact"
    yield f"phase:ttt_eval wall_ms:{1000 * total.process_seconds:.0f}"
    yield (
        f"{name} val_loss:{total.nats_per_token:.10f} val_bpb:{total.bpb:.10f} eval_time:{1000 * total.seconds:.0f}ms"
    )


def _time(step: int, seconds: float) -> str:
    return f"train_time:{1000 * seconds:.0f}ms step_avg:{1000 * seconds / step:.2f}ms"
