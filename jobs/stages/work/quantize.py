"""Quantizing: weights become an artifact, with its byte ledger and its loss before and after."""

import time
from collections.abc import Generator, Iterator, Mapping

from safetensors.torch import load as load_safetensors

from golf.artifact.packing import QuantizeConfig, load_bytes, pack
from golf.data.tokens import Tokens
from golf.entry.bundle import code_bytes, source_bytes
from golf.errors import TooLarge
from golf.limits import LIMIT_BYTES
from golf.model.gpt import GPT, ModelConfig
from golf.model.state_dict import model_from_state
from golf.presets import EVAL_PRESETS
from golf.ttt.engine import EvalConfig, evaluate
from jobs.events import Event, Finished, Progress
from jobs.machine.environment import peak_bytes
from jobs.scores import cut_shards
from jobs.spec import Order
from jobs.stages.work.documents import chosen_documents, eval_documents, texts_of
from jobs.stages.work.models import device
from jobs.stages.work.settings import settings_of


def run_quantize(order: Order, inputs: Mapping[str, bytes]) -> Iterator[Event]:
    """Turn trained weights into an artifact, with its byte ledger and its loss before and after.

    Raises:
        InputError: weights or tokens are missing, damaged, or not those of the job.
        TooLarge: with the smallest script that could run it, it does not fit the challenge; evaluating it would be
            money for a row that nobody may submit.
    """
    started = time.monotonic()
    settings = order.job.settings
    model, config = settings_of(ModelConfig, settings["model"]), settings_of(QuantizeConfig, settings["quantize"])
    state = load_safetensors(inputs["weights"])
    content, ledger = pack(state, model, config)
    sizes = {"code_bytes": (code := code_bytes()), "source_bytes": source_bytes()}
    sizes |= {"total_bytes": len(content) + code, "limit_bytes": LIMIT_BYTES}
    if sizes["total_bytes"] > LIMIT_BYTES:
        raise TooLarge(f"artifact and code have {sizes['total_bytes']:,} bytes, {LIMIT_BYTES:,} are allowed")
    clocks = {"quantize_seconds": time.monotonic() - started}
    documents, num_bytes = _compared_documents(order)
    loss = {
        "before": (yield from _base_loss(documents, model_from_state(state, model, device=device()), "before")),
        "after": (yield from _base_loss(documents, load_bytes(content, "artifact", device=device()), "after")),
        "tokens": sum(len(document) - 1 for document in documents),
        "bytes": num_bytes,
    }
    clocks["loss_seconds"] = time.monotonic() - started - clocks["quantize_seconds"]
    outputs = {"artifact": None, "ledger": ledger.to_json() | sizes, "loss": loss, "clocks": clocks}
    yield Finished(outputs=outputs, files={"artifact": content}, peak_bytes=peak_bytes())


def _compared_documents(order: Order) -> tuple[list[Tokens], int]:
    """The documents on which an artifact is compared with its weights, and their bytes; nothing if the job names none.

    The first so many predictions of each document, where the settings say how many.
    """
    most = order.job.settings["tokens"]
    if order.job.settings["documents"]["count"] == 0:
        return [], 0
    documents, num_bytes = eval_documents(order)
    if most is None:
        return documents, sum(num_bytes)
    counts = texts_of(order).content.counts[chosen_documents(order)]
    return [document[: most + 1] for document in documents], sum(
        int(token_bytes[:most].sum()) for token_bytes in counts
    )


def _base_loss(documents: list[Tokens], model: GPT, when: str) -> Generator[Progress, None, float | None]:
    """Nats per token of a model as it is, None without documents; tells how far it is."""
    config, lengths = settings_of(EvalConfig, EVAL_PRESETS["none"]), [len(document) - 1 for document in documents]
    nats, parts = 0.0, cut_shards(lengths, config, model.config, device()) if documents else []
    for done, part in enumerate(parts):
        yield Progress(fraction=done / len(parts), note=f"loss {when} quantization")
        nats += float(evaluate(model, [documents[index] for index in part], config).nll.sum())
    return nats / sum(lengths) if documents else None
