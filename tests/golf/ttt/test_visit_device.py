"""Every kind of visit of test-time training at full size on the meta device, which stands for a GPU.

A visit must queue its work without waiting for the device, keep to its precision, and start no more kernels than are
written down here: a change that adds some shows as a changed number.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from golf.model.gpt import GPT, ModelConfig
from golf.presets import EVAL_PRESETS
from golf.ttt import engine as ttt
from golf.ttt.adapters import uniform_a
from golf.ttt.config import EvalConfig
from golf.ttt.engine import Engine
from golf.ttt.visits import Visit, plan_visits
from tests.golf.device_mode import DeviceMode, HostSync, MixedDtypes

META = torch.device("meta")
MEANT = (torch.float32, torch.bfloat16, torch.float64)
"""float64 adds up the losses of a document's pass, which min-epoch compares."""
LENGTHS = (1400, 1025, 600, 256, 40)
"""Tokens of the documents: windows that slide, windows that grow, and a document of a single chunk."""


@pytest.fixture(scope="module")
def model() -> GPT:
    with torch.device("meta"):
        return GPT(ModelConfig(num_layers=11)).requires_grad_(False)


def config_of(preset: str, **settings: Any) -> EvalConfig:
    return TypeAdapter(EvalConfig).validate_python({**EVAL_PRESETS[preset], **settings})


def visit_counts(model: GPT, config: EvalConfig) -> dict[str, tuple[int, int]]:
    """For each kind of visit: the most kernels, and the most bytes moved for each token of the documents' windows."""
    engine = Engine(model, config, 0, uniform_a)
    documents = [torch.zeros(length, dtype=torch.int64) for length in LENGTHS]
    for _, lane, visit in _visits(engine, documents):  # makes the rotary tables of each length, which stay
        _make(engine, lane, visit)
    counts: dict[str, tuple[int, int]] = {}
    for kind, lane, visit in _visits(engine, documents):
        with DeviceMode(dtypes=MEANT) as device:
            _make(engine, lane, visit)
        assert device.readbacks == 0
        ends = np.minimum((visit.chunks + 1) * config.chunk, lane.lengths[visit.documents])
        tokens = int(np.minimum(ends, config.window).sum())
        kernels, moved = counts.get(kind, (0, 0))
        counts[kind] = (max(kernels, device.launches), max(moved, device.bytes // tokens))
    return counts


def _visits(engine: Engine, documents: list[Tensor]) -> Iterator[tuple[str, Any, Visit]]:
    """All visits of the documents in one lane, each with its kind."""
    lane = ttt._Lane.of(documents, engine.rows(max(LENGTHS) - 1, adapting=True), engine)
    for visit in plan_visits(lane.lengths.tolist(), engine.config, lane.state_3SP.shape[1]):
        yield "last chunks" if visit.last else "update", lane, visit


def _make(engine: Engine, lane: Any, visit: Visit) -> None:
    if visit.last:
        engine._score_last_chunks(lane, visit)
    else:
        engine._train_chunks(lane, visit)


@pytest.mark.parametrize(
    ("preset", "update", "last"),
    [
        ("score-first", (1692, 3_342_620), (897, 2_925_409)),
        ("lora-ttt", (1563, 3_130_316), (864, 2_812_942)),
        ("chimera-611", (1692, 4_172_838), (918, 3_214_088)),
    ],
)
def test_a_visit_starts_so_many_kernels_and_waits_for_none(
    model: GPT, preset: str, update: tuple[int, int], last: tuple[int, int]
) -> None:
    """A change that adds kernels or bytes shows here; on a GPU each kernel costs some microseconds to start."""
    epochs = 2 if preset == "chimera-611" else 1  # more passes are more of the same visits
    counts = visit_counts(model, config_of(preset, min_document_tokens=0, epochs=epochs))
    assert counts == {"update": update, "last chunks": last}


def test_whole_documents_are_scored_without_waiting(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttt, "_unpad", lambda nll, lengths: nll)  # which waits for the scores, once
    engine = Engine(model, config_of("none"), 0, uniform_a)
    documents = [torch.zeros(length, dtype=torch.int64, device=META) for length in LENGTHS]
    engine.score_whole(documents)
    with DeviceMode(dtypes=MEANT) as device:
        scores: Any = engine.score_whole(documents)
    assert scores.shape == (len(LENGTHS), max(LENGTHS) - 1)
    assert (device.launches, device.readbacks) == (815, 0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_decides_the_dtype_of_every_operation(model: GPT, precision: Any) -> None:
    """In float32 none has another; in bfloat16 the mode allows both and raises where one operation mixes them."""
    engine = Engine(model, config_of("score-first", precision=precision), 0, uniform_a)
    lane = ttt._Lane.of([torch.zeros(600, dtype=torch.int64)], 1, engine)
    visits = list(plan_visits(lane.lengths.tolist(), engine.config, 1))
    dtypes = {torch.float32} if precision == "float32" else {torch.float32, torch.bfloat16}
    with DeviceMode(dtypes=dtypes) as device:
        engine._train_chunks(lane, visits[0])
    assert device.launches
    if precision == "bfloat16":
        with pytest.raises(MixedDtypes), DeviceMode(dtypes={torch.float32}):
            engine._train_chunks(lane, visits[0])


def test_a_wait_for_the_device_is_seen(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(model, config_of("score-first"), 0, uniform_a)
    lane = ttt._Lane.of([torch.zeros(600, dtype=torch.int64)], 1, engine)
    visit = next(iter(plan_visits(lane.lengths.tolist(), engine.config, 1)))
    adapt = engine.adapt

    def impatient(*arguments: Tensor) -> Tensor:
        nll = adapt(*arguments)
        assert float(nll.sum()) >= 0
        return nll

    monkeypatch.setattr(engine, "adapt", impatient)
    with pytest.raises(HostSync), DeviceMode():
        engine._train_chunks(lane, visit)
