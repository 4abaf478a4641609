"""Published settings by name, as overrides of the defaults, each with its source.

"PR n" is a pull request of the Parameter Golf challenge.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

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
