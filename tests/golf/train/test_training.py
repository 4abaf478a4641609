"""Whole trainings of a tiny model: alone, interrupted, diverging, against the clock, and as a gang of two.

Three layers: no process group; real processes killed by nothing but their own clock; one real torchrun gang over gloo.
"""

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from golf.artifact import packing as artifact
from golf.data.tokens import DATA_PATH, write_shard
from golf.errors import Diverged, InputError
from golf.model.gpt import GPT, ModelConfig
from golf.model.state_dict import model_from_state
from golf.train import checkpoint
from golf.train.training import TrainConfig, train

MODEL = ModelConfig(
    num_layers=3,
    model_dim=16,
    num_heads=2,
    num_kv_heads=1,
    mlp_hidden=24,
    vocab_size=40,
    bigram_buckets=32,
    bigram_dim=8,
    rope_base=1000.0,
)
SETTINGS: dict[str, Any] = {
    "max_seconds": None,
    "steps": 12,
    "batch_tokens": 64,
    "seq_len": 16,
    "warmup_steps": 0,
    "warmdown_steps": 6,
    "ema_every": 2,
    "ema_decay": 0.8,
    "swa_below": 0.6,
    "swa_every": 2,
    "muon_momentum_steps": 6,
    "model": MODEL,
}
CONFIG = TrainConfig(**SETTINGS)
TOKENS = (np.arange(997) ** 2 % 37 + np.arange(997) % 3).astype(np.uint16)


@pytest.fixture(autouse=True)
def one_thread_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits are promised there; on a GPU, see test_train_gpu.py."""
    torch.set_num_threads(1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Ticking:
    """A clock that moves on by a fixed time whenever it is read, and may kill its reader."""

    def __init__(self, tick: float = 1.0, die_at: float = math.inf) -> None:
        self.now, self.tick, self.die_at = 0.0, tick, die_at

    def __call__(self) -> float:
        self.now += self.tick
        if self.now >= self.die_at:
            raise Killed
        return self.now


def run(out: Path, config: TrainConfig = CONFIG, *, seed: int = 1, **options: Any) -> Path:
    return train(config, tokens=TOKENS, seed=seed, out=out, **options)


def result(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "result.json").read_text())
    return found


def metrics(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_training_learns_and_writes_weights_result_and_metrics(tmp_path: Path) -> None:
    out = tmp_path / "a new folder"
    path = run(out, TrainConfig(**(SETTINGS | {"steps": 60, "warmdown_steps": 30})))
    assert path == out / "weights.safetensors"
    assert sorted(file.name for file in out.iterdir()) == ["metrics.jsonl", "result.json", "weights.safetensors"]
    lines = metrics(out)
    assert [line["step"] for line in lines] == list(range(1, 61))
    assert lines[0]["loss"] == pytest.approx(math.log(40), abs=0.01)
    assert lines[-1]["loss"] < 3.0 < lines[0]["loss"]
    assert [line["tokens"] for line in lines[:2]] == [64, 128]
    assert lines[-1]["lr_scale"] == 1 / 30
    told = result(out)
    assert told["steps"] == 60
    assert told["final_loss"] == lines[-1]["loss"]
    assert told["resumed"] is False
    assert told["averaged"] == "swa"
    assert told["parameters"] == sum(parameter.numel() for parameter in GPT(MODEL).parameters())


def test_the_weights_file_has_the_models_constants(tmp_path: Path) -> None:
    path = run(tmp_path)
    tensors, facts = checkpoint.load(path)
    config = ModelConfig(**facts["model"])
    assert config == MODEL
    model = model_from_state(tensors, config)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert tensors["blocks.2.depth_scale"].item() == pytest.approx(1 / math.sqrt(3))
    assert model.hidden(torch.zeros(1, 4, dtype=torch.long)).isfinite().all()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tmp_path: Path) -> None:
    first, again = (run(tmp_path / name).read_bytes() for name in ("first", "again"))
    assert first == again
    assert run(tmp_path / "other", seed=2).read_bytes() != first


def test_only_the_configuration_is_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens lie where the challenge has them; artifacts and folders are named as strings, too."""
    monkeypatch.chdir(tmp_path)
    write_shard(DATA_PATH / "fineweb_train_000000.bin", TOKENS)
    path = train(CONFIG)
    assert path == Path(f"runs/{CONFIG.digest()[:12]}-1337/weights.safetensors")
    again = train(CONFIG, tokens=str(DATA_PATH), seed=1337, out="again")
    assert again.read_bytes() == path.read_bytes() == run(tmp_path / "third", seed=1337).read_bytes()
    tensors, _ = checkpoint.load(path)
    artifact.save("a.golf", tensors, MODEL, artifact.QuantizeConfig())
    assert artifact.load("a.golf").config == MODEL


def test_training_matches_a_plain_implementation(tmp_path: Path) -> None:
    """The last weights (EMA of decay 0, nothing pruned) against a loop of torch's own parts."""
    plain = TrainConfig(**(SETTINGS | {"steps": 3, "ema_every": 1, "ema_decay": 0.0, "swa_below": 0.0, "prune": 0.0}))
    found = load_file(run(tmp_path, plain))
    model = GPT(MODEL)
    model.initialize(torch.Generator().manual_seed(1))
    named = dict(model.named_parameters())
    matrices = {
        n: p for n, p in named.items() if n.endswith(".weight") and not n.endswith(("emb.weight", "embed.weight"))
    }
    tables = [p for n, p in named.items() if n.endswith(("emb.weight", "embed.weight"))]
    rest = [p for n, p in named.items() if not n.endswith(".weight")]
    adamw = torch.optim.AdamW(
        [{"params": tables, "lr": 0.03}, {"params": rest, "lr": 0.02}], betas=(0.9, 0.95), eps=1e-8, weight_decay=0.04
    )
    momenta = {name: torch.zeros_like(matrix) for name, matrix in matrices.items()}
    base_rates = [0.03, 0.02]
    for step in range(3):
        scale = (3 - step) / 6
        momentum = 0.92 + (0.99 - 0.92) * step / 6
        span = torch.from_numpy(TOKENS[64 * step : 64 * step + 65].astype(np.int64))
        logits = model.logits(model.hidden(span[:-1].view(4, 16)))
        torch.autograd.backward(torch.nn.functional.cross_entropy(logits.flatten(0, 1), span[1:]))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        for group, rate in zip(adamw.param_groups, base_rates, strict=True):
            group["lr"] = rate * scale
        adamw.step()
        with torch.no_grad():
            for name, matrix in matrices.items():
                assert matrix.grad is not None
                momenta[name] = momentum * momenta[name] + matrix.grad
                x = matrix.grad + momentum * momenta[name]
                x = x / (x.norm() + 1e-7)
                for _ in range(5):
                    a = x @ x.T
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                x = x * max(1.0, x.shape[0] / x.shape[1]) ** 0.5
                matrix.copy_(matrix * (1 - 0.02 * scale * 0.04) - 0.02 * scale * x)
        model.zero_grad()
    for name, tensor in model.state_dict().items():
        # fp32; Newton–Schulz on a nearly singular gradient enlarges rounding some hundredfold
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=2e-5, msg=name)


@pytest.mark.parametrize("train_bigram", [True, False])
def test_an_untrained_bigram_table_and_gate_stay_zero(tmp_path: Path, train_bigram: bool) -> None:
    weights = load_file(run(tmp_path, TrainConfig(**(SETTINGS | {"train_bigram": train_bigram}))))
    assert bool(weights["bigram.embed.weight"].any()) is train_bigram
    assert bool(weights["smear.gate"].any()) is train_bigram


def test_warm_up_does_not_change_the_weights(tmp_path: Path) -> None:
    cold = load_file(run(tmp_path / "cold"))
    warm = load_file(run(tmp_path / "warm", TrainConfig(**(SETTINGS | {"warmup_steps": 3}))))
    assert all(torch.equal(warm[name], tensor) for name, tensor in cold.items())


def test_each_phase_has_its_own_clock(tmp_path: Path) -> None:
    run(tmp_path, TrainConfig(**(SETTINGS | {"warmup_steps": 3})), clock=Ticking(), checkpoint_seconds=3.0)
    clocks = result(tmp_path)["clocks"]
    assert clocks["process_seconds"] == sum(clocks[f"{name}_seconds"] for name in ("train", "warmup", "other"))
    assert clocks["train_seconds"] >= 12 and clocks["warmup_seconds"] == 1.0
    assert metrics(tmp_path)[-1]["train_seconds"] <= clocks["train_seconds"]


def test_copying_a_checkpoint_is_training_time(tmp_path: Path) -> None:
    """Its only copy, after the first step, reads the clock twice; the pause after it is longer than the rest."""
    for name, pause in (("without", None), ("with", 0.0)):
        run(tmp_path / name, clock=Ticking(), checkpoint_seconds=pause)
    without, copied = (result(tmp_path / name)["clocks"]["train_seconds"] for name in ("without", "with"))
    assert (copied, checkpoint.load(tmp_path / "with/checkpoint.safetensors")[1]["step"]) == (without + 2.0, 1)
    assert not (tmp_path / "without/checkpoint.safetensors").exists()


@pytest.fixture
def cheap_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a save's own length, a few ticks here, not put off the next one."""
    monkeypatch.setattr(checkpoint, "MIN_INTERVAL_RATIO", 0)


@pytest.mark.usefixtures("cheap_checkpoints")
@pytest.mark.parametrize("die_at", [5.0, 9.0, 12.0, 14.0, 16.0, 17.0])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path: Path, die_at: float) -> None:
    config = TrainConfig(**(SETTINGS | {"warmup_steps": 2}))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = run(whole, config, checkpoint_seconds=0.0, clock=Ticking()).read_bytes()
    with pytest.raises(Killed):
        run(parts, config, checkpoint_seconds=6.0, clock=Ticking(die_at=die_at))
    assert not (parts / "weights.safetensors").exists()
    had_checkpoint = (parts / "checkpoint.safetensors").exists()
    assert run(parts, config, clock=Ticking()).read_bytes() == expected
    assert result(parts)["resumed"] is had_checkpoint
    assert result(parts)["final_loss"] == result(whole)["final_loss"]
    assert [line["step"] for line in metrics(parts)] == list(range(1, 13))
    assert [line["loss"] for line in metrics(parts)] == [line["loss"] for line in metrics(whole)]


@pytest.mark.usefixtures("cheap_checkpoints")
def test_an_interruption_between_checkpoints_falls_back_to_the_last(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(tmp_path, checkpoint_seconds=6.0, clock=Ticking(die_at=16.0))
    saved = checkpoint.load(tmp_path / "checkpoint.safetensors")[1]["step"]
    assert 0 < saved < len(metrics(tmp_path)) < 12


def test_a_finished_training_run_again_changes_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, checkpoint_seconds=0.0).read_bytes()
    assert run(tmp_path, checkpoint_seconds=0.0).read_bytes() == first


def test_without_resume_training_starts_over(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(tmp_path, checkpoint_seconds=0.0, clock=Ticking(die_at=16.0))
    assert (tmp_path / "checkpoint.safetensors").exists()
    run(tmp_path, resume=False)
    assert result(tmp_path)["resumed"] is False
    assert [line["step"] for line in metrics(tmp_path)] == list(range(1, 13))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"config": TrainConfig(**(SETTINGS | {"muon_lr": 0.1}))}, "config differs"),
        ({"seed": 2}, "seed differs"),
        ({"tokens": TOKENS[:-1]}, "tokens differs"),
        ({"tokens": TOKENS[::-1]}, "tokens differs"),
    ],
)
def test_a_checkpoint_of_another_training_is_an_input_error(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    same: dict[str, Any] = {"config": CONFIG, "seed": 1, "tokens": TOKENS, "out": tmp_path}
    train(**same, checkpoint_seconds=0.0)
    with pytest.raises(InputError, match=what):
        train(**(same | change))


def test_a_damaged_checkpoint_is_an_input_error(tmp_path: Path) -> None:
    run(tmp_path, checkpoint_seconds=0.0)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: damaged"):
        run(tmp_path)


@pytest.mark.parametrize("checkpoint_seconds", [0.0, 1e9])
def test_a_training_that_diverges_names_its_step_and_the_last_checkpoint(
    tmp_path: Path, checkpoint_seconds: float
) -> None:
    wild = TrainConfig(**(SETTINGS | {"embed_lr": 1e9, "scalar_lr": 1e9, "steps": 12}))
    with pytest.raises(Diverged) as caught:
        run(tmp_path, wild, checkpoint_seconds=checkpoint_seconds)
    text = str(caught.value)
    lines = metrics(tmp_path)
    assert f"at step {len(lines) + 1}; " in text
    assert all(math.isfinite(line["loss"]) for line in lines)
    if checkpoint_seconds:
        assert text.endswith("there is no checkpoint")
    else:
        saved = checkpoint.load(tmp_path / "checkpoint.safetensors")[1]["step"]
        assert text.endswith(f"the last checkpoint is of step {saved}")


def test_the_clock_ends_the_training_within_its_limit_and_after_a_warm_down(tmp_path: Path) -> None:
    config = TrainConfig(**(SETTINGS | {"max_seconds": 30.0, "steps": None, "warmdown_steps": 10}))
    run(tmp_path, config, clock=Ticking(tick=0.5), checkpoint_seconds=1e9)
    told, lines = result(tmp_path), metrics(tmp_path)
    assert 20 < told["steps"] == len(lines)
    assert 30.0 - 2.0 <= lines[-1]["train_seconds"] <= 30.0
    scales = [line["lr_scale"] for line in lines]
    assert scales[: len(lines) - 13] == [1.0] * (len(lines) - 13)
    assert scales == sorted(scales, reverse=True)
    assert 0.0 < scales[-1] < 0.3


RANK = """
import itertools, json, os, sys
from pathlib import Path
import numpy as np, torch
from golf.errors import RanksDiffer
from golf.model import ModelConfig
from golf.train import TrainConfig, train, training
from golf.train.learner import Learner

torch.set_num_threads(1)
arguments = json.loads(sys.argv[1])
settings = arguments["settings"] | {"model": ModelConfig(**arguments["settings"]["model"])}
out, tokens, rank = Path(arguments["out"]), np.load(arguments["tokens"]), int(os.environ["RANK"])
for _ in range(2):  # the second time from the first one's last checkpoint
    path = train(TrainConfig(**settings), tokens=tokens, seed=1, out=out / "steps", checkpoint_seconds=0.0)
    assert path.exists()
timed = TrainConfig(**(settings | {"max_seconds": 0.5, "steps": None}))
ticks = itertools.count()
clock = lambda: 0.02 * (1 + 3 * rank) * next(ticks)  # the second rank's runs four times as fast
train(timed, tokens=tokens, seed=1, out=out / "seconds", clock=clock)
(out / f"done{rank}").write_text(str(torch.distributed.is_initialized()))
(out / f"compiler{rank}").write_text(str("torch._dynamo" in sys.modules))


class Faulty(Learner):
    # The second rank's memory flips the last bit of a weight after the third step.
    steps = 0

    def step(self, *batch, **settings):
        result = super().step(*batch, **settings)
        self.steps += 1
        if rank == 1 and self.steps == 3:
            self.model.blocks[1].mlp.fc.weight.data.view(torch.int32)[5, 7] ^= 1
        return result


training.Learner = Faulty
for name, steps in (("faulty", 12), ("faulty at the end", 3)):
    try:
        train(TrainConfig(**(settings | {"steps": steps})), tokens=tokens, seed=1, out=out / name)
    except RanksDiffer as error:
        (out / f"{name}, rank {rank}").write_text(str(error))
"""


@pytest.fixture(scope="module")
def gang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two gloo ranks under torchrun left: a run by steps, resumed once, one by the clock, and one with a fault."""
    out = tmp_path_factory.mktemp("a gang's folder")
    np.save(out / "tokens.npy", TOKENS)
    (out / "rank.py").write_text(RANK)
    model = asdict(MODEL)
    arguments = {"settings": SETTINGS | {"model": model}, "tokens": str(out / "tokens.npy"), "out": str(out)}
    root = Path(__file__).parents[3]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*launcher, str(out / "rank.py"), json.dumps(arguments)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, errors = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.terminate()  # unlike a kill, torchrun passes this on to its ranks
            raise
    assert process.returncode == 0, errors
    return out


def test_two_ranks_train_what_one_process_trains(gang: Path, tmp_path: Path) -> None:
    alone, together = load_file(run(tmp_path)), load_file(gang / "steps" / "weights.safetensors")
    for name, tensor in alone.items():
        # sums of gradients in another order, 1e-7; Newton–Schulz and Adam's division enlarge it
        torch.testing.assert_close(together[name], tensor, rtol=0, atol=1e-4, msg=name)
    losses = [[line["loss"] for line in metrics(out)] for out in (tmp_path, gang / "steps")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_two_ranks_resume_and_end_their_process_groups(gang: Path) -> None:
    assert result(gang / "steps")["resumed"] is True
    assert result(gang / "steps")["steps"] == 12
    assert [(gang / f"done{rank}").read_text() for rank in (0, 1)] == ["False", "False"]


def test_ranks_on_a_cpu_do_not_wait_for_the_import_of_torchs_compiler(gang: Path) -> None:
    assert [(gang / f"compiler{rank}").read_text() for rank in (0, 1)] == ["False", "False"]


def test_a_flipped_bit_of_a_weight_of_one_rank_ends_the_next_step_of_all(gang: Path) -> None:
    for name in ("faulty", "faulty at the end"):
        assert {(gang / f"{name}, rank {rank}").read_text() for rank in (0, 1)} == {
            "training: after 3 steps the weights of rank 0 differ from those of rank 1; "
            "train again, and on other GPUs if that repeats"
        }
        assert len(metrics(gang / name)) == 3
        assert not (gang / name / "weights.safetensors").exists()


def test_ranks_whose_clocks_differ_stop_together_by_the_first_ones(gang: Path) -> None:
    told, last = result(gang / "seconds"), metrics(gang / "seconds")[-1]
    assert told["steps"] == last["step"]
    # A step reads the clock once, and 0.02 s have passed on the first one's; on the other's, there would be six.
    assert 20 <= told["steps"] <= 25
    assert 0.4 < last["train_seconds"] <= 0.5


def test_tokens_outside_the_vocabulary_are_an_input_error_before_anything_is_written(tmp_path: Path) -> None:
    small = ModelConfig(num_layers=1, model_dim=16, num_heads=2, num_kv_heads=1, vocab_size=37)
    with pytest.raises(InputError, match="id 37 among the 65 from position 0 on; expected below"):
        run(tmp_path, TrainConfig(**(SETTINGS | {"model": small})))
    assert list(tmp_path.iterdir()) == []
