"""Published settings by name, as overrides of the defaults, each with its source.

"PR n" is a pull request of the Parameter Golf challenge.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from golf.ttt import EvalConfig

Overrides = Mapping[str, Any]

TRAIN_PRESETS: Mapping[str, Overrides] = MappingProxyType(
    {
        "golf": {},  # this project's own: PR 611's training with the bigram table and smear gate trained
        "chimera-611": {"train_bigram": False, "model": {"num_layers": 11}},  # PR 611
        "klora-minnll-614": {"train_bigram": False, "model": {"num_layers": 10}},  # PR 614
    }
)

_SEEDS: Overrides = {  # what PR 596, 611 and 614 share
    "lr": 0.01,
    "schedule": "cosine",
    "chunk": 256,
    "window": 1024,
    "min_document_tokens": 512,
    "length_blind": False,
    "nll_factor": 0.98,
}

EVAL_PRESETS: Mapping[str, Overrides] = MappingProxyType(
    {
        "none": {"protocol": "none", "adapters": ()},
        "lora-ttt": {  # PR 77
            "protocol": "score-first",
            "adapters": ("q", "v", "head"),
            "ranks": {"head": 8},
            "multipliers": {"q": 1.0, "v": 1.0, "head": 1.0},
            "lr": 0.01,
            "epochs": 1,
            "chunk": 256,
            "window": 1024,
            "length_blind": False,
        },
        "deepquant-596": {  # PR 596; its seeds ran 6 to 8 epochs
            **_SEEDS,
            "protocol": "last-epoch",
            "adapters": ("q", "v", "head", "bias"),
            "epochs": 8,
        },
        "chimera-611": {  # PR 611
            **_SEEDS,
            "protocol": "min-epoch",
            "adapters": ("q", "k", "v", "head", "bias"),
            "epochs": 8,
        },
        "klora-minnll-614": {  # PR 614
            **_SEEDS,
            "protocol": "min-epoch",
            "adapters": ("q", "k", "v", "head", "bias"),
            "epochs": 6,
        },
        "score-first": {},  # the defaults of EvalConfig
    }
)


def declared_findings(config: EvalConfig) -> tuple[tuple[str, str], ...]:
    """What an evaluation's own settings say about its legality: (condition, detail), nothing if it claims to be clean.

    The conditions C1–C4 are those of the challenge's issue 1017.
    """
    findings: list[tuple[str, str]] = []
    if config.protocol == "min-epoch" and config.epochs > 1:
        findings.append(("C3", f"each token is scored in {config.epochs} epochs, all but one after training on it"))
        findings.append(("C4", f"keeps the lowest of {config.epochs} scores of each document"))
    if config.protocol == "last-epoch" and config.epochs > 1:
        findings.append(("C3", f"each token is scored after {config.epochs - 1} epochs of training on it"))
    if config.nll_factor != 1.0:
        findings.append(("C2", f"the loss is scaled by {config.nll_factor:g}, so the probabilities do not sum to 1"))
    if not config.length_blind and config.protocol != "none":
        findings.append(("length", "the last chunk's window ends with the document, so scores depend on its length"))
    return tuple(findings)
