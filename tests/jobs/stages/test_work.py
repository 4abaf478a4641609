"""Jobs on the bundled corpus, run in this process: what they tell, and that their scores depend on nothing else."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from golf.artifact.packing import QuantizeConfig, load_bytes
from golf.data.corpus import DEMO_TUNING_DOCUMENTS, DemoData
from golf.data.stream import Stream
from golf.data.tokens import Tokenizer, find_shards, read_shard, read_stream, split_documents, write_shard
from golf.entry.bundle import bundle
from golf.errors import InputError, OverTime, TooLarge
from golf.model.gpt import GPT, ModelConfig
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig, evaluate
from jobs.events import Failure, Finished, Shard
from jobs.failures import classify
from jobs.machine.digests import digest_of
from jobs.machine.environment import machine
from jobs.scores import merge_shards, read_table
from jobs.spec import Job, Order
from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.work import audit, quantize
from jobs.stages.work.audit import run_audit
from jobs.stages.work.documents import eval_documents
from jobs.stages.work.evaluate import IMPORT_SECONDS, run_eval, shards_of
from jobs.stages.work.gang_folder import read_order, write_order
from jobs.stages.work.quantize import run_quantize

MODEL = ModelConfig(
    num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, bigram_buckets=64, bigram_dim=8
)
EVAL = EvalConfig(gpus=1, chunk=64, window=128, max_seconds=None)


def order(demo: DemoData, config: EvalConfig = EVAL, *, count: int | None = 6, **inputs: str) -> Order:
    which = {"split": "val", "first": 0, "count": count, "holdout_documents": DEMO_TUNING_DOCUMENTS}
    digests = {
        "artifact": inputs.get("artifact", "1" * 64),
        "tokens": inputs.get("tokens", digest_of(find_shards(demo.tokens, "val"))),
        "tokenizer": digest_of([demo.tokenizer]),
    }
    settings: dict[str, Any] = {"eval": asdict(config), "documents": which}
    job = Job(stage="eval", settings=settings, inputs=digests, seed=5, machine=machine(), arithmetic=EVALUATE.version)
    return Order(job=job, sweep="s", label="x", places={"tokens": str(demo.tokens), "tokenizer": str(demo.tokenizer)})


@pytest.fixture(scope="module")
def weights() -> bytes:
    model = GPT(MODEL)
    model.initialize(torch.Generator().manual_seed(3))
    # Off their starting point, so that every part of the model counts.
    state = {name: tensor + 0.05 * torch.randn_like(tensor) for name, tensor in model.state_dict().items()}
    return save(state)


def quantize_order(
    demo: DemoData, *, split: str = "tune", count: int = 2, tokens: int | None = 128, digest: str | None = None
) -> Order:
    settings = {
        "quantize": asdict(QuantizeConfig()),
        "model": asdict(MODEL),
        "documents": {"split": split, "first": 0, "count": count, "holdout_documents": DEMO_TUNING_DOCUMENTS},
        "tokens": tokens,
    }
    shards = find_shards(demo.tokens, "val" if split == "val" else "train")
    digests = {"tokens": digest or digest_of(shards), "tokenizer": digest_of([demo.tokenizer])}
    job = Job(stage="quantize", settings=settings, inputs=digests, seed=1, machine=machine(), arithmetic=1)
    return Order(job=job, sweep="s", label="q", places={"tokens": str(demo.tokens), "tokenizer": str(demo.tokenizer)})


@pytest.fixture(scope="module")
def quantized(demo: DemoData, weights: bytes) -> Finished:
    *_, done = run_quantize(quantize_order(demo), {"weights": weights})
    assert isinstance(done, Finished)
    return done


@pytest.fixture(scope="module")
def artifact(quantized: Finished) -> bytes:
    return quantized.files["artifact"]


def test_an_artifact_comes_with_its_ledger(quantized: Finished, artifact: bytes) -> None:
    ledger = quantized.outputs["ledger"]
    assert ledger["model_bytes"] == len(artifact)
    assert ledger["total_bytes"] == len(artifact) + ledger["code_bytes"] < ledger["limit_bytes"] == 16_000_000
    shipped = len(bundle("a row", {"train": asdict(TrainConfig()), "eval": asdict(EvalConfig())}).content)
    assert shipped - 5000 < ledger["code_bytes"] < shipped
    assert sum(group["coded_bytes"] for group in ledger["groups"].values()) == ledger["body_bytes"]
    assert load_bytes(artifact, "it").config == MODEL
    assert json.loads(json.dumps(quantized.outputs)) == quantized.outputs


def test_what_cannot_fit_with_the_script_that_is_shipped_is_refused(
    demo: DemoData, weights: bytes, quantized: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = quantized.outputs["ledger"]["total_bytes"]
    order = quantize_order(demo, count=0)
    monkeypatch.setattr(quantize, "LIMIT_BYTES", total)
    assert isinstance(list(run_quantize(order, {"weights": weights}))[-1], Finished)
    monkeypatch.setattr(quantize, "LIMIT_BYTES", total - 1)
    with pytest.raises(TooLarge, match=f"artifact and code have {total:,} bytes, {total - 1:,} are allowed"):
        list(run_quantize(order, {"weights": weights}))


def test_losses_before_and_after_are_those_on_the_start_of_the_tuning_documents(
    demo: DemoData, weights: bytes, quantized: Finished
) -> None:
    documents = Stream.open(find_shards(demo.tokens, "train")).hold_out(DEMO_TUNING_DOCUMENTS)[1]
    models = {"before": load_bytes(weights, "w"), "after": load_bytes(quantized.files["artifact"], "a")}
    for when, model in models.items():
        nll = []
        for document in documents[:2]:
            tokens = torch.from_numpy(np.asarray(document[:129]).astype(np.int64))
            logits = model.logits(model.hidden(tokens[None, :-1]))[0]
            nll += torch.nn.functional.cross_entropy(logits, tokens[1:], reduction="none").tolist()
        assert quantized.outputs["loss"][when] == pytest.approx(np.mean(nll), rel=1e-5)
    assert quantized.outputs["loss"]["before"] != quantized.outputs["loss"]["after"]


def test_what_is_confirmed_is_compared_on_whole_validation_documents(
    demo: DemoData, weights: bytes, quantized: Finished
) -> None:
    *_, done = run_quantize(quantize_order(demo, split="val", count=1, tokens=None), {"weights": weights})
    assert isinstance(done, Finished)
    loss = done.outputs["loss"]
    [document] = split_documents(read_stream(find_shards(demo.tokens, "val")))[:1]
    scored = evaluate(load_bytes(weights, "w"), [document], EvalConfig(protocol="none"))
    assert loss["before"] == pytest.approx(scored.nll_per_token, rel=1e-4)
    assert loss["tokens"] == len(document) - 1
    assert loss["bytes"] == len(Tokenizer(demo.tokenizer).decode(document[1:]).encode())
    assert quantized.outputs["loss"]["tokens"] == 2 * 128


def test_without_documents_held_out_there_is_no_loss_and_other_tokens_are_refused(
    demo: DemoData, weights: bytes
) -> None:
    *_, done = run_quantize(quantize_order(demo, count=0), {"weights": weights})
    assert isinstance(done, Finished)
    assert done.outputs["loss"] == {"before": None, "after": None, "tokens": 0, "bytes": 0}
    with pytest.raises(InputError, match="tokens has digest"):
        list(run_quantize(quantize_order(demo, digest="f" * 64), {"weights": weights}))


def scores(made: Order, artifact: bytes, shards: list[int]) -> dict[int, float]:
    """NLL by document."""
    events = list(run_eval(made, {"artifact": artifact}, shards))
    assert isinstance(events[-1], Finished)
    tables = [read_table(event.content) for event in events if isinstance(event, Shard)]
    return {row["document"]: row["nll"] for table in tables for row in table.to_pylist()}


def test_scores_do_not_depend_on_shards_their_order_or_other_documents(
    demo: DemoData, artifact: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.scores.SHARD_FLOPS", {"cpu": 1e18})
    whole = scores(order(demo), artifact, [0])
    assert len(whole) == 6
    monkeypatch.setattr("jobs.scores.SHARD_FLOPS", {"cpu": 1e6})
    total = shards_of(order(demo), artifact)
    assert total == 6
    backwards = scores(order(demo), artifact, list(range(total))[::-1])
    fewer = scores(order(demo, count=2), artifact, [0, 1])
    for other in (backwards, fewer):
        for document, nll in other.items():
            assert nll == pytest.approx(whole[document], rel=1e-5)


def test_the_jobs_machine_decides_how_it_is_cut_not_the_one_that_asks(
    demo: DemoData, artifact: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.scores.SHARD_FLOPS", {"cpu": 1e18, "cuda": 1e6})
    made, counts = order(demo), []
    for device in ("cpu AVX2", "cuda NVIDIA H100"):
        job = replace(made.job, machine=replace(made.job.machine, device=device))
        counts.append(shards_of(replace(made, job=job), artifact))
    assert counts == [1, 6]


def test_bytes_are_those_of_the_decoded_text(demo: DemoData, artifact: bytes) -> None:
    made = order(demo)
    documents, num_bytes = eval_documents(made)
    events = run_eval(made, {"artifact": artifact}, list(range(shards_of(made, artifact))))
    table = read_table(merge_shards([event.content for event in events if isinstance(event, Shard)])[0])
    assert table["bytes"].to_pylist() == num_bytes
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(demo.tokenizer))
    for document, count in zip(documents, num_bytes, strict=True):
        assert len(pieces.decode(np.asarray(document[1:]).tolist()).encode()) == count
    assert table["tokens"].to_pylist() == [len(document) - 1 for document in documents]


def test_a_data_sets_own_bytes_are_counted_and_in_the_key(demo: DemoData, weights: bytes, tmp_path: Path) -> None:
    """Each target is said to have 3 bytes; who has another file has other data."""
    data = DemoData(tokens=tmp_path, tokenizer=demo.tokenizer)
    for path in (*find_shards(demo.tokens, "val"), *find_shards(demo.tokens, "train")):
        (tmp_path / path.name).symlink_to(path)
    [shard] = find_shards(tmp_path, "val")
    file = shard.with_name(shard.name.replace("_val_", "_val_bytes_"))
    write_shard(file, np.full(len(read_shard(shard)), 3))
    digest, plain = digest_of([shard, file]), digest_of([shard])
    made = quantize_order(data, split="val", count=2, tokens=None, digest=digest)
    documents, num_bytes = eval_documents(made)
    assert num_bytes == [3 * (len(document) - 1) for document in documents]
    short = quantize_order(data, split="val", count=2, tokens=20, digest=digest)
    *_, done = run_quantize(short, {"weights": weights})
    assert isinstance(done, Finished)
    assert (done.outputs["loss"]["tokens"], done.outputs["loss"]["bytes"]) == (40, 120)
    with pytest.raises(InputError, match="tokens has digest"):
        eval_documents(quantize_order(data, split="val", digest=plain))


def test_the_whole_process_counts_what_a_warm_worker_has_behind_it(demo: DemoData, artifact: bytes) -> None:
    for _ in range(2):  # everything is loaded before the second
        *_, last = run_eval(order(demo, count=1), {"artifact": artifact}, [0], clock=lambda: 5.0)
        assert isinstance(last, Finished)
        clocks = last.outputs["clocks"]
        assert clocks["eval_seconds"] == 0.0
        assert clocks["process_seconds"] > IMPORT_SECONDS > 0


def test_other_data_than_ordered_are_refused(demo: DemoData, artifact: bytes) -> None:
    with pytest.raises(InputError, match="tokens has digest"):
        scores(order(demo, tokens="f" * 64), artifact, [0])


def test_what_is_no_artifact_is_refused_with_its_digest(demo: DemoData, artifact: bytes) -> None:
    for digest, content in (("2" * 64, b"nonsense"), ("3" * 64, artifact[:-7]), ("4" * 64, b"")):
        with pytest.raises(InputError, match=f"artifact {digest[:12]}"):
            scores(order(demo, artifact=digest), content, [0])


def test_what_does_not_fit_its_time_is_an_error_not_a_worse_score(demo: DemoData, artifact: bytes) -> None:
    ticks = iter(range(0, 10_000, 40))
    made = order(demo, replace(EVAL, max_seconds=30.0))
    with pytest.raises(OverTime, match=r"more than eval\.max_seconds = 30"):
        list(run_eval(made, {"artifact": artifact}, [0], clock=lambda: float(next(ticks))))


def test_an_order_goes_through_a_gangs_folder_unchanged(demo: DemoData, tmp_path: Path) -> None:
    made = order(demo)
    write_order(tmp_path, made)
    read = read_order(tmp_path)
    assert read.job.key == made.job.key
    assert read.places == made.places


def test_whose_fault_an_exception_is() -> None:
    assert classify(InputError("x")) == Failure.BAD_CONFIGURATION
    assert classify(torch.OutOfMemoryError()) == Failure.GPU_MEMORY
    assert classify(OSError(28, "No space left")) == Failure.DISK_FULL
    assert classify(OSError(5, "I/O error")) == Failure.CRASH


def test_validation_text_is_looked_for_in_the_training_tokens(
    demo: DemoData, artifact: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [training], [validation] = find_shards(demo.tokens, "train"), find_shards(demo.tokens, "val")
    stream = read_shard(validation)
    second = split_documents(stream)[1]
    write_shard(tmp_path / "x_val_0.bin", stream)
    write_shard(tmp_path / "x_train_0.bin", np.concatenate([read_shard(training)[:9000], second[:-1]]))
    made = order(demo, count=3)
    digests = {"tokens": digest_of([tmp_path / "x_val_0.bin"]), "training": digest_of([tmp_path / "x_train_0.bin"])}
    settings = {**made.job.settings, "seconds": 0.01}
    job = replace(made.job, stage="audit", settings=settings, inputs={**made.job.inputs, **digests})
    audited = replace(made, job=job, places={**made.places, **dict.fromkeys(("tokens", "training"), str(tmp_path))})
    *_, done = run_audit(audited, {"artifact": artifact})
    assert isinstance(done, Finished)
    assert [(overlap["document"], overlap["shared"] == overlap["windows"]) for overlap in done.outputs["overlap"]] == [
        (1, True)
    ]
    monkeypatch.setattr(audit, "OVERLAP_TOKENS", 1000)
    audit._overlaps.cache_clear()
    *_, done = run_audit(audited, {"artifact": artifact})
    assert isinstance(done, Finished)
    assert done.outputs["overlap"] is None


@pytest.mark.parametrize(
    ("config", "passed", "conditions"),
    [
        (replace(EVAL, chunk=512, window=512), True, set()),
        (replace(EVAL, chunk=512, window=512, nll_factor=0.9), False, {"C2"}),
    ],
)
def test_an_audit_judges_the_jobs_own_engine(
    demo: DemoData, artifact: bytes, config: EvalConfig, passed: bool, conditions: set[str]
) -> None:
    made = order(demo, config, count=None)
    settings = {**made.job.settings, "seconds": 1.0}
    inputs = {**made.job.inputs, "training": digest_of(find_shards(demo.tokens, "train"))}
    job = replace(made.job, stage="audit", settings=settings, inputs=inputs, arithmetic=AUDIT.version)
    audited = replace(made, job=job, places={**made.places, "training": str(demo.tokens)})
    *_, done = run_audit(audited, {"artifact": artifact})
    assert isinstance(done, Finished)
    assert (done.outputs["passed"], done.outputs["judged"]) == (passed, True)
    assert {finding["condition"] for finding in done.outputs["findings"]} == conditions
    certificate = json.loads(done.files["certificate"])
    assert certificate["findings"] == done.outputs["findings"]
    assert certificate["probes"]["documents"]["given"] == 12
    assert certificate["overlap"] == done.outputs["overlap"] == []
