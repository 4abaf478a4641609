"""Presets: settings of public entries by name, as overrides of the defaults.

"PR n" is a pull request of the challenge.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Overrides = Mapping[str, Any]

TRAIN_PRESETS: Mapping[str, Overrides] = MappingProxyType(
    {
        "golf": {},  # the defaults of TrainConfig: PR 611, but with bigram table and smear gate trained
        "chimera-611": {"train_bigram": False, "model": {"num_layers": 11}},  # PR 611
        "klora-minnll-614": {"train_bigram": False, "model": {"num_layers": 10}},  # PR 614
    }
)

_COMMON: Overrides = {  # settings that PR 596, 611 and 614 share
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
        "deepquant-596": {  # PR 596, whose seeds ran 6 to 8 epochs
            **_COMMON,
            "protocol": "last-epoch",
            "adapters": ("q", "v", "head", "bias"),
            "epochs": 8,
        },
        "chimera-611": {  # PR 611
            **_COMMON,
            "protocol": "min-epoch",
            "adapters": ("q", "k", "v", "head", "bias"),
            "epochs": 8,
        },
        "klora-minnll-614": {  # PR 614
            **_COMMON,
            "protocol": "min-epoch",
            "adapters": ("q", "k", "v", "head", "bias"),
            "epochs": 6,
        },
        "score-first": {},  # the defaults of EvalConfig
    }
)
