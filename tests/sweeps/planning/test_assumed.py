"""What a plan assumes where the data or the machine are not here."""

from dataclasses import replace
from pathlib import Path

import pytest

from golf.data.provenance import CONTEST_DOCUMENTS, CONTEST_TOKENS
from golf.data.tokens import write_shard
from jobs.store import Store
from sweeps.driver.sweep import Sweep
from sweeps.planning.assumed import CONTEST_DEVICE, assume_data, assume_machine, contest_lengths
from sweeps.planning.plan import plan
from sweeps.spec.file import load_sweep
from sweeps.speed.samples import Speed
from tests.sweeps.made_up_world import MACHINE, spec_of

FINEWEB = Path(__file__).parents[3] / "examples/fineweb.toml"


def test_lengths_are_as_many_as_the_contests_documents_with_as_many_tokens() -> None:
    lengths = contest_lengths()
    assert len(lengths) == CONTEST_DOCUMENTS
    assert sum(lengths) == pytest.approx(CONTEST_TOKENS[1024], rel=0.002)
    assert sum(lengths[:64]) / 64 == pytest.approx(sum(lengths) / len(lengths), rel=0.3)  # as a search reads them


def test_only_the_contests_data_are_assumed_and_only_while_they_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert assume_data(spec_of()) is None  # the bundled corpus is always there
    assert assume_data(spec_of(data={"tokens": "own", "tokenizer": "own.model"})) is None
    spec = load_sweep(FINEWEB)
    assumed = assume_data(spec)
    assert assumed is not None
    assert "50,000 documents, 62,021,846 tokens of 1,024 pieces, 151,080,891 bytes" in assumed.text
    folder, tokenizer = Path(spec.data.tokens), Path(spec.data.tokenizer or "")
    folder.mkdir(parents=True)
    write_shard(folder / "fineweb_train_000000.bin", [1, 2, 3])
    assert assume_data(spec) is None  # what there is of them is read, and is wrong
    write_shard(folder / "fineweb_val_000000.bin", [1, 2, 3])
    assert assume_data(spec) is not None  # the tokenizer is not there
    tokenizer.parent.mkdir(parents=True)
    tokenizer.write_bytes(b"")
    assert assume_data(spec) is None


def test_the_contests_sweep_is_planned_before_its_data_and_its_machine_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = load_sweep(FINEWEB)
    assumed, other = assume_data(spec), assume_machine(spec, MACHINE, 2)
    assert assumed is not None and other is not None
    machine, text = other
    assert machine.device == CONTEST_DEVICE
    assert text == "H100 GPUs, because a job needs 8 slots and this machine has 2 cores."
    sweep = Sweep(spec=spec, data=assumed.data, machine=machine)
    made = plan(
        sweep, Store.empty(), nodes=1, slots=8, now=0.0, speed=Speed(), lengths=assumed.lengths, assumed=[assumed.text]
    )
    document = made.to_json()
    assert document["unknown"] == []
    assert document["basis"]["guess"] == 1.0
    # Eight trainings of ten minutes on eight GPUs, and a minute before each.
    assert document["stages"]["train"]["slot_hours"] == pytest.approx(
        document["stages"]["train"]["jobs"] * 8 * 660 / 3600
    )
    assert document["dollars"] == pytest.approx(2.99 * document["gpu_hours"])
    assert document["assumed"] == [assumed.text]


def test_a_machine_with_enough_cores_or_with_gpus_is_taken_as_it_is() -> None:
    spec = spec_of()
    assert assume_machine(spec, MACHINE, spec.widest()) is None
    assert assume_machine(spec, replace(MACHINE, device="cuda NVIDIA T4"), 1) is None
