"""Data that lie elsewhere on this machine than where a sweep was started: found by what is in them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.executor import Task
from cluster.executors.worker import run_task
from golf.data.corpus import DemoData
from golf.data.texts import with_byte_files
from golf.data.tokens import find_shards
from jobs.errors import NotReady
from jobs.events import Failed, Failure
from jobs.machine import datasets
from jobs.machine.datasets import VARIABLE, order_here
from jobs.machine.digests import digest_folder, digest_of
from jobs.spec import Order
from jobs.stages.registry import stage_named
from tests.jobs.stores import order
from tests.sweeps.inline import cut_data

THERE = "/home/anna/.golfsweep/data/demo"


def order_of(**data: str) -> Order:
    """One whose data lie on another machine: digests by name."""
    plain = order(0)
    job = replace(plain.job, inputs={**plain.job.inputs, **data})
    return replace(plain, job=job, places={name: f"{THERE}/{name}" for name in data})


def digests_of(folder: Path, tokenizer: Path) -> dict[str, str]:
    """As the jobs of our own recipe know data."""
    train, val = find_shards(folder, "train"), find_shards(folder, "val")
    return {
        "tokens": digest_of(with_byte_files(val)),
        "training": digest_of(train),
        "tokenizer": digest_of([tokenizer]),
    }


@pytest.fixture
def copied(demo: DemoData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Shards and a tokenizer of this machine, some levels below a folder that the variable names."""
    data = cut_data(demo, tmp_path / "made")
    folder = shutil.copytree(data["tokens"], tmp_path / "pod" / "datasets" / "small")
    tokenizer = Path(shutil.copy(demo.tokenizer, tmp_path / "pod" / "tokens.model"))
    monkeypatch.setenv(VARIABLE, f"{tmp_path / 'nowhere'}:{tmp_path / 'pod'}")
    return folder, tokenizer


def test_data_are_found_by_their_digests(copied: tuple[Path, Path]) -> None:
    folder, tokenizer = copied
    here = order_here(order_of(**digests_of(folder, tokenizer)))
    assert here.places == {"tokens": str(folder), "training": str(folder), "tokenizer": str(tokenizer)}
    assert order_here(order_of(tokens=digest_folder(folder))).places == {"tokens": str(folder)}, "as scripts know them"
    assert order_here(here) is here, "what lies where it should is not looked for"


def test_the_bundled_corpus_is_made_where_it_is_needed(demo: DemoData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "bundled_corpus", lambda: demo)
    here = order_here(order_of(**digests_of(demo.tokens, demo.tokenizer)))
    assert here.places == {"tokens": str(demo.tokens), "training": str(demo.tokens), "tokenizer": str(demo.tokenizer)}


@pytest.mark.parametrize("name", ["tokens", "tokenizer"])
def test_one_line_says_what_is_missing_and_where_to_put_it(
    copied: tuple[Path, Path], demo: DemoData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(datasets, "bundled_corpus", lambda: demo)
    missing: Callable[[], Order] = lambda: order_here(order_of(**{name: "a" * 64}))  # noqa: E731
    said = (
        rf"^{name} of digest a{{12}}… are neither at {THERE}/{name} nor below {VARIABLE}=\S+/pod; put a copy at either$"
    )
    with pytest.raises(NotReady, match=said):
        missing()
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(NotReady, match=f"nor in a folder named by {VARIABLE}, which is not set"):
        missing()
    task = Task(
        id="t", stage=stage_named("eval"), order=order_of(**{name: "a" * 64}), node="n", slots=(0,),
        workdir=tmp_path / "attempts" / "key" / "1",
    )  # fmt: skip
    last = [*run_task(task)][-1]
    assert isinstance(last, Failed) and last.failure == Failure.NOT_READY
