"""Checkpoints written in the background: of one step, one at a time, whole or not at all."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from golf.train import checkpoint
from golf.train.checkpoint_writer import CheckpointWriter

CPU = torch.device("cpu")


class Disk:
    """A disk that finishes no write before it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.error: OSError | None = None

    def sync(self, descriptor: int) -> None:
        assert self.released.wait(timeout=60)
        if self.error is not None:
            raise self.error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    slow = Disk()
    monkeypatch.setattr("os.fsync", slow.sync)
    yield slow
    slow.released.set()


def test_the_file_has_the_state_of_its_step_though_training_went_on(tmp_path: Path, disk: Disk) -> None:
    weights = torch.arange(6.0).view(2, 3)
    with CheckpointWriter(tmp_path / "c", CPU) as writer:
        writer.start({"w": weights, "transposed": weights.T}, {"step": 4})
        weights.add_(100)
        disk.released.set()
    tensors, facts = checkpoint.load(tmp_path / "c")
    assert facts == {"step": 4}
    assert torch.equal(tensors["w"], torch.arange(6.0).view(2, 3))
    assert torch.equal(tensors["transposed"], torch.arange(6.0).view(2, 3).T)


def test_training_does_not_wait_for_the_write_and_can_see_that_it_lasts(tmp_path: Path, disk: Disk) -> None:
    with CheckpointWriter(tmp_path / "c", CPU) as writer:
        assert writer.is_free and writer.last_step() is None
        writer.start({"w": torch.ones(2)}, {"step": 1})
        assert not writer.is_free and not (tmp_path / "c").exists()
        disk.released.set()
        assert writer.last_step() == 1
        assert writer.is_free
        assert checkpoint.load(tmp_path / "c")[1] == {"step": 1}


def test_later_states_may_have_more_tensors_and_other_numbers(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path / "c", CPU) as writer:
        writer.reserve({"w": torch.zeros(2)})
        for step in (1, 2, 3):
            writer.start({"w": torch.full((2,), step)} | {f"s{i}": torch.ones(i) for i in range(step)}, {"step": step})
    tensors, facts = checkpoint.load(tmp_path / "c")
    assert (facts["step"], tensors["w"].tolist(), sorted(tensors)) == (3, [3.0, 3.0], ["s0", "s1", "s2", "w"])


def test_a_failed_write_is_an_error_of_the_training_and_leaves_the_old_file(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "c"
    disk.released.set()
    with pytest.raises(OSError, match="No space"), CheckpointWriter(path, CPU) as writer:
        writer.start({"w": torch.ones(2)}, {"step": 1})
        writer.wait()
        disk.error = OSError(28, "No space left on device")
        writer.start({"w": torch.ones(2)}, {"step": 2})
        assert writer.last_step() == 1
        writer.start({"w": torch.ones(2)}, {"step": 3})
    assert checkpoint.load(path)[1] == {"step": 1}
    assert [child.name for child in tmp_path.iterdir()] == ["c"]


def test_the_last_write_fails_at_the_end_unless_training_failed_before(tmp_path: Path, disk: Disk) -> None:
    disk.released.set()
    disk.error = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space"), CheckpointWriter(tmp_path / "c", CPU) as writer:
        writer.start({"w": torch.ones(2)}, {"step": 1})
    with pytest.raises(ArithmeticError), CheckpointWriter(tmp_path / "c", CPU) as writer:
        writer.start({"w": torch.ones(2)}, {"step": 1})
        raise ArithmeticError
    assert not any(thread.name.startswith("checkpoints") for thread in threading.enumerate())


KILLED = """
import os, sys
from pathlib import Path
import torch
from golf.train.checkpoint_writer import CheckpointWriter

writer = CheckpointWriter(Path(sys.argv[1]), torch.device("cpu"))
writer.start({"w": torch.ones(1000)}, {"step": 1})
writer.wait()
os.fsync = lambda descriptor: os._exit(9)
writer.start({"w": torch.zeros(1000)}, {"step": 2})
writer.wait()
"""


def test_a_process_killed_while_it_writes_leaves_the_old_checkpoint_whole(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", KILLED, str(tmp_path / "c")]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": root}, timeout=120).returncode == 9
    tensors, facts = checkpoint.load(tmp_path / "c")
    assert facts == {"step": 1} and bool(tensors["w"].all())
