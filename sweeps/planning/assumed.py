"""What a plan assumes where the data are not there yet, or the machine is another one: the contest's own.

The validation set's documents, tokens and bytes are the contest's published counts (`golf.data.provenance`). Lengths of
documents are log-normal, as those of web text are, with the mean that follows from these counts.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import NormalDist

from golf.data.provenance import CONTEST_BYTES, CONTEST_DOCUMENTS, CONTEST_TOKENS
from golf.data.tokens import find_shards
from golf.errors import InputError
from jobs.spec import Machine
from sweeps.spec.dataset import DataSet
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.data import ScriptData

CONTEST_NAME = "fineweb"
"""What the paths of the contest's data have in their names."""
CONTEST_DEVICE = "cuda NVIDIA H100 80GB HBM3"
UNSEEN = "0" * 64
"""Stands for the digest of data that nobody has seen."""
LOG_DEVIATION = 0.9
"""Standard deviation of the logarithm of a document's length."""
DIFFERENT_LENGTHS = 500
SHORTEST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class AssumedData:
    """The contest's data, as they will be."""

    data: DataSet | ScriptData
    text: str
    """What is assumed, in a sentence."""

    @staticmethod
    def lengths(split: str) -> tuple[int, ...]:
        """Predictions of every document."""
        return contest_lengths()


def assume_data(spec: SweepSpec) -> AssumedData | None:
    """The contest's data where a sweep names them and they are not there; None where its data must be read."""
    section = spec.data
    tokens, tokenizer = Path(section.tokens), None if section.tokenizer is None else Path(section.tokenizer)
    if section.tokens == "demo" or CONTEST_NAME not in tokens.name or _are_there(tokens, tokenizer):
        return None
    text = (
        f"the contest's validation set ({CONTEST_DOCUMENTS:,} documents, {CONTEST_TOKENS[1024]:,} tokens of 1,024 "
        f"pieces, {CONTEST_BYTES:,} bytes), because {section.tokens} is not here yet; no finished job counts as done."
    )
    recipes = spec.native_recipes()
    if not recipes:
        return AssumedData(
            text=text,
            data=ScriptData(
                tokens=tokens,
                tokenizer=tokenizer,
                train_digest=UNSEEN,
                val_digest=UNSEEN,
                tokenizer_digest="" if tokenizer is None else UNSEEN,
                search_tokens=tokens,
                search_digest=UNSEEN,
            ),
        )
    return AssumedData(
        text=text,
        data=DataSet(
            tokens=tokens,
            tokenizer=tokenizer or Path(),
            train_digest=UNSEEN,
            val_digest=UNSEEN,
            tokenizer_digest=UNSEEN,
            vocab_size=next(iter(recipes.values())).train.model.vocab_size,
            tuning_documents=section.tuning_documents,
            val_documents=CONTEST_DOCUMENTS,
        ),
    )


def assume_machine(spec: SweepSpec, machine: Machine, cores: int) -> tuple[Machine, str] | None:
    """The contest's GPUs where a sweep needs more slots than this machine has cores, and it has no GPU; else None."""
    if machine.device.startswith("cuda") or spec.widest() <= cores:
        return None
    name = CONTEST_DEVICE.removeprefix("cuda NVIDIA ").partition(" ")[0]
    text = f"{name} GPUs, because a job needs {spec.widest()} slots and this machine has {cores} cores."
    return replace(machine, device=CONTEST_DEVICE, dtype="bfloat16", attention="flash"), text


@cache
def contest_lengths() -> tuple[int, ...]:
    """Predictions of as many documents as the contest's validation set has, with as many tokens in all."""
    mean = CONTEST_TOKENS[1024] / CONTEST_DOCUMENTS
    median = mean / math.exp(LOG_DEVIATION**2 / 2)
    at = [NormalDist().inv_cdf((number + 0.5) / DIFFERENT_LENGTHS) for number in range(DIFFERENT_LENGTHS)]
    raw = [median * math.exp(LOG_DEVIATION * place) for place in at]
    scale = mean * DIFFERENT_LENGTHS / sum(raw)
    # Long and short ones in turn, so that the first few are like all of them.
    lengths = sorted(
        (max(SHORTEST, round(length * scale)) for length in raw), key=lambda length: length * 2654435761 % 2**32
    )
    return tuple(lengths) * (CONTEST_DOCUMENTS // DIFFERENT_LENGTHS)


def _are_there(tokens: Path, tokenizer: Path | None) -> bool:
    try:
        has_shards = bool(find_shards(tokens, "train") and find_shards(tokens, "val"))
    except InputError:
        return tokens.is_dir() and any(tokens.iterdir())  # what is wrong with them, reading them says
    return has_shards and (tokenizer is None or tokenizer.exists())
