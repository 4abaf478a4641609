"""Checkpoints: round trips, and errors for other files."""

import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from golf.errors import InputError
from golf.train import checkpoint

TENSORS = {
    "weights/w": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
    "adamw/w/step": torch.tensor(7.0),
    "bf16": torch.ones(2, dtype=torch.bfloat16),
    "transposed": torch.arange(6).view(2, 3).t(),
    "empty": torch.zeros(0, 5),
}
FACTS = {"step": 7, "loss": 0.1, "clocks": {"train_seconds": 1e-3}, "note": "ein Ümlaut\n"}


def test_a_checkpoint_round_trips(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "checkpoint.safetensors"
    checkpoint.save(path, TENSORS, FACTS)
    tensors, facts = checkpoint.load(path)
    assert facts == FACTS
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_equal_input_gives_equal_bytes_in_any_order() -> None:
    reverse = dict(reversed(TENSORS.items()))
    assert checkpoint.pack(TENSORS, FACTS) == checkpoint.pack(reverse, dict(reversed(FACTS.items())))


def test_the_bytes_are_those_of_safetensors() -> None:
    stored = {name: tensor.contiguous() for name, tensor in TENSORS.items()}
    expected = safetensors.torch.save(stored, {checkpoint.METADATA_KEY: json.dumps(FACTS, sort_keys=True)})
    assert checkpoint.pack(TENSORS, FACTS) == expected


def test_plain_safetensors_readers_understand_the_file(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "w", TENSORS, FACTS)
    assert torch.equal(safetensors.torch.load_file(tmp_path / "w")["weights/w"], TENSORS["weights/w"])


def test_a_file_truncated_anywhere_is_an_input_error() -> None:
    content = checkpoint.pack(TENSORS, FACTS)
    for length in [*range(0, 400, 7), len(content) - 1]:
        with pytest.raises(InputError, match=r"^here: damaged") as caught:
            checkpoint.unpack(content[:length], "here")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [pickle.dumps({"a": 1}), safetensors.torch.save({"w": torch.ones(1)}), b"\xff" * 100, b"{}" * 20],
    ids=["pickle", "safetensors without facts", "a header of 2^64 bytes", "text"],
)
def test_a_file_that_is_no_checkpoint_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "foreign").write_bytes(content)
    with pytest.raises(InputError, match=r"foreign: damaged, or not written by golf.train"):
        checkpoint.load(tmp_path / "foreign")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: cannot be read \(No such file or directory\)"):
        checkpoint.load(tmp_path / "none")


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint"
    checkpoint.save(path, TENSORS, {"step": 1})

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(path, TENSORS, {"step": 2})
    assert checkpoint.load(path)[1] == {"step": 1}
    assert [child.name for child in tmp_path.iterdir()] == ["checkpoint"]


def test_checkpoints_have_a_minimum_pause_and_a_maximum_share_of_the_time() -> None:
    timer = checkpoint.CheckpointTimer(10.0, now=5.0)
    assert not timer.is_due(14.9)
    assert timer.is_due(15.0)
    timer.restart(15.0, copy_seconds=0.1)
    assert not timer.is_due(24.9)
    assert timer.is_due(25.0)
    timer.restart(25.0, copy_seconds=2.0)
    assert not timer.is_due(64.9)
    assert timer.is_due(65.0)
