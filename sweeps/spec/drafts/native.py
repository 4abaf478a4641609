"""The draft of a sweep of the native recipe."""

from sweeps.spec.drafts.toml_text import shown

_DRAFT = """\
# A sweep of golfsweep's own recipe. See what it takes:  golfsweep plan {file}
# Start or resume it:                                    golfsweep run {file}

name  = "first"
rules = "accepted"                                # or "strict"

[data]
tokens    = "data/datasets/fineweb10B_sp1024"     # folder of shards; "demo" needs none
tokenizer = "data/tokenizers/fineweb_1024_bpe.model"

[recipe]                                          # what every arm and trial starts from
train.preset      = "golf"
train.gpus        = 8
train.max_seconds = 600
eval.preset       = "score-first"
eval.gpus         = 8
eval.max_seconds  = 600

[seeds]
tune    = [1337, 42]                              # trials of the search
confirm = [2024, 2025, 2026]                      # arms and the best trials

[[arm]]                                           # a fixed recipe
name     = "lora-ttt"
baseline = true
eval.preset = "lora-ttt"

[search]
trials    = 32
parallel  = 8
documents = 64                                    # documents held out from the training tokens

[search.space]
"eval.lr"     = { low = 3e-5, high = 3e-2, log = true }
"eval.epochs" = { low = 1, high = 4 }

[confirm]
top = 3

[budget]
dollars_per_gpu_hour = 2.99
"""


def draft_native_sweep(file: str) -> str:
    """The text of a commented sweep file.

    Args:
        file: the path that it gets.
    """
    return _DRAFT.replace("{file}", shown(file))
