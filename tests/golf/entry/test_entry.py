"""The parts of an entry that run without training: settings from plain data, the environment, the lines it prints."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from golf.artifact.packing import QuantizeConfig
from golf.data.tokens import write_shard
from golf.entry import entry
from golf.entry.entry import Entry, Environment, configure
from golf.entry.log_lines import Sizes, Total, score_lines, setting_lines, size_lines, training_lines
from golf.errors import InputError
from golf.model.gpt import ModelConfig
from golf.train.config import TrainConfig
from golf.ttt.adapters import Multipliers
from golf.ttt.config import EvalConfig
from jobs.logs import Log, parse

ENTRY = Entry(
    train=TrainConfig(steps=7, betas=(0.8, 0.9), model=ModelConfig(num_layers=3)),
    quantize=QuantizeConfig(bits=5),
    eval=EvalConfig(adapters=("q", "head"), multipliers=Multipliers(q=(1.0, 2.0, 3.0))),
    holdout_documents=4,
    source_bytes=9,
)
TOTAL = Total(nll=2000.0, tokens=1000, bytes=2500, seconds=31.0, process_seconds=40.0)
RESULT = {
    "steps": 1234, "final_loss": 3.25, "parameters": 77, "averaged": "ema", "attention": "sdpa",
    "clocks": {"train_seconds": 599.75, "process_seconds": 630.5},
}  # fmt: skip


def test_settings_round_trip_through_json() -> None:
    assert configure(Entry, json.loads(json.dumps(asdict(ENTRY)))) == ENTRY


def test_the_environment_has_the_challenges_defaults() -> None:
    plain = Environment.of({})
    assert (plain.seed, plain.data.name, plain.tokenizer.name) == (1337, "fineweb10B_sp1024", "fineweb_1024_bpe.model")
    given = Environment.of({"SEED": "42", "RUN_ID": "mine", "DATA_PATH": "/d", "TOKENIZER_PATH": "/t.model"})
    assert given == Environment(data=Path("/d"), tokenizer=Path("/t.model"), seed=42, out=Path("runs/mine"))


def test_a_seed_must_be_a_number() -> None:
    with pytest.raises(InputError, match="SEED = 'x1'"):
        Environment.of({"SEED": "x1"})


class Trained(Exception):
    """Ends a run when its training would begin."""


def test_a_run_neither_resumes_nor_writes_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contest's clock stops for warm-up and validation only."""
    how: dict[str, Any] = {}

    def train(config: TrainConfig, **given: Any) -> Path:
        how.update(given)
        raise Trained

    monkeypatch.setattr(entry, "train", train)
    monkeypatch.setenv("DATA_PATH", str(tmp_path))
    write_shard(tmp_path / "toy_train_0.bin", [1, 5, 6, 7] * 9)
    with pytest.raises(Trained):
        entry.run(asdict(ENTRY), code_bytes=1)
    assert (how["checkpoint_seconds"], how["resume"]) == (None, False)


def log_of(lines: list[str]) -> Log:
    return parse(f"{line}\n".encode() for line in lines)


def test_the_log_parser_reads_the_lines_of_a_run() -> None:
    trace = [{"step": step, "loss": 3.5, "train_seconds": step / 2} for step in (1, 2, 1230)]
    sizes = Sizes(model=15_000_000, code=50_000, source=180_000)
    log = log_of([
        *setting_lines(ENTRY.train, 42, 8),
        *training_lines(trace, RESULT),
        *size_lines(sizes, ENTRY.quantize),
        *score_lines(TOTAL, ENTRY.quantize, ENTRY.eval),
    ])  # fmt: skip
    assert (log.seeds, log.steps, log.train_seconds) == ([42], 1234, 599.75)
    assert (log.model_bytes, log.code_bytes, log.raw_code_bytes, log.total_bytes) == (
        15_000_000, 50_000, 180_000, 15_050_000,
    )  # fmt: skip
    [score] = log.scores
    assert (score.stage, float(score.loss), score.seconds) == ("adapted", 2.0, 31.0)
    assert float(score.bpb) == pytest.approx(2000 / 0.6931471805599453 / 2500, abs=1e-10)
    assert (log.clocks["train.process"], log.clocks["eval.process"]) == (630.5, 40.0)
    assert (log.settings["num_layers"], log.settings["model_params"]) == ("3", "77")


def test_a_score_without_adaptation_has_another_name() -> None:
    log = log_of(list(score_lines(TOTAL, ENTRY.quantize, EvalConfig(protocol="none"))))
    assert [score.stage for score in log.scores] == ["roundtrip"]


@pytest.mark.parametrize("last", [1233, 1234])
def test_the_last_step_is_printed_once(last: int) -> None:
    lines = list(training_lines([{"step": last, "loss": 3.5, "train_seconds": 599.0}], RESULT))
    assert [line.split("/")[0] for line in lines if line.startswith("step:1234")] == ["step:1234"]
