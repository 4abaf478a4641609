"""Drafts of sweep files."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.scripts.source import read_source
from sweeps.spec.drafts.native import draft_native_sweep
from sweeps.spec.drafts.script import ScriptDraft, draft_script_sweep
from sweeps.spec.drafts.toml_text import shown, toml_text
from sweeps.spec.file import parse_sweep

START = """
import os, torch, zstandard
class H:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp8192")
    tokenizer_path = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_8192_bpe.model")
    run_id = os.environ.get("RUN_ID", str(uuid.uuid4()))
    seed = int(os.environ.get("SEED", 1337))
    iterations = int(os.environ.get("ITERATIONS", 20000))
    warmup_steps = int(os.environ.get("WARMUP_STEPS", 20))
    matrix_lr = float(os.environ.get("MATRIX_LR", 0.04))
"""
END = """
torch.save(x, "final_model.pt")
open("final_model.int8.ptz", "wb").write(b"")
print(f"final_int8_zlib_roundtrip_exact val_loss:{a} val_bpb:{b}")
print(f"final_ttt_lora_exact val_loss:{a} val_bpb:{b}")
print(f"pre_quant val_loss:{a} val_bpb:{b}")
"""


def draft(script: str, file: str = "records/my entry/train_gpt.py") -> tuple[str, dict[str, Any]]:
    text = draft_script_sweep(
        ScriptDraft(sweep_file="sweep.toml", file=file, python="/usr/bin/python3", gpus=4), read_source(script.encode())
    )
    sweep = tomllib.loads(text)
    assert parse_sweep(sweep, "sweep.toml").name == sweep["name"]
    return text, sweep


def test_a_script_without_a_switch_is_evaluated_by_training_no_steps() -> None:
    text, sweep = draft(START + END)
    script = sweep["script"]
    assert sweep["name"] == "my-entry"
    assert sweep["data"] == {
        "tokens": "data/datasets/fineweb10B_sp8192",
        "tokenizer": "data/tokenizers/fineweb_8192_bpe.model",
    }
    assert script["env"] == {
        "DATA_PATH": "{data}", "TOKENIZER_PATH": "{tokenizer}", "RUN_ID": "{run}", "SEED": "{seed}",
    }  # fmt: skip
    assert script["needs"] == ["zstandard"]
    assert script["train"] == {
        "gpus": 4, "max_seconds": 3600, "out": {"weights": "final_model.pt", "artifact": "final_model.int8.ptz"},
    }  # fmt: skip
    assert script["eval"]["env"] == {"ITERATIONS": "0", "WARMUP_STEPS": "0"}
    assert script["eval"]["keep"] == ["artifact"]
    assert script["eval"]["metric"] == "final_ttt_lora"
    assert '# MATRIX_LR = "0.04"' in text
    assert '# "script.env.MATRIX_LR" = { low = 0.02, high = 0.08, log = true }' in text


@pytest.mark.parametrize(
    ("switch", "env"),
    [
        ('ttt_only = os.environ.get("TTT_EVAL_ONLY", "0") == "1"', {"TTT_EVAL_ONLY": "1"}),
        ('eval_only = bool(int(os.environ.get("EVAL_ONLY", "0")))', {"EVAL_ONLY": "1"}),
        ('eval_only = os.environ.get("EVAL_ONLY", "")', {"EVAL_ONLY": "{in.weights}"}),
        ('path = os.environ.get("LOAD_ARTIFACT")', {"LOAD_ARTIFACT": "{in.artifact}"}),
    ],
)
def test_a_switch_of_the_script_is_used(switch: str, env: dict[str, str]) -> None:
    assert draft(f"{START}    {switch}\n{END}")[1]["script"]["eval"]["env"] == env


def test_a_script_that_leaves_no_artifact_has_one_stage() -> None:
    text, sweep = draft(START + 'print(f"final_exact val_loss:{a} val_bpb:{b}")')
    assert set(sweep["script"]) == {"file", "python", "needs", "env", "train"}
    assert sweep["script"]["train"]["metric"] == "final"
    assert '# out = { artifact = "…" }             # files that it writes: none found' in text


def test_a_folder_of_data_sets_is_filled_in() -> None:
    script = 'import os\nd = os.environ.get("DATA_DIR", "./data/")\nv = int(os.environ.get("VOCAB_SIZE", 4096))\n'
    sweep = draft(script)[1]
    assert sweep["script"]["env"] == {"DATA_DIR": "{data_dir}"}
    assert sweep["data"]["tokens"] == "data/datasets/fineweb10B_sp4096"
    assert sweep["data"]["tokenizer"] == "data/tokenizers/fineweb_4096_bpe.model"


def test_what_could_not_be_read_is_said() -> None:
    text, _ = draft(START + "    x = settings(os.environ)\n    y = os.environ.get(f'LAYER_{i}')\n" + END)
    assert "# Not all names could be read: train_gpt.py, line " in text
    assert "# LAYER_…: names that it puts together" in text


def test_the_native_draft_is_a_sweep() -> None:
    spec = parse_sweep(tomllib.loads(draft_native_sweep("sweep.toml")), "sweep.toml")
    assert spec.search is not None


@given(st.text())
def test_texts_come_back_from_toml(text: str) -> None:
    plain = text.encode("utf-8", "replace").decode()
    assert tomllib.loads(f"x = {toml_text(text)} # {shown(text)}") == {"x": plain}


@settings(max_examples=40)
@given(st.text(max_size=20), st.text(max_size=40), st.text(max_size=20))
def test_every_draft_is_toml(name: str, default: str, file: str) -> None:
    script = f"import os\nos.environ.get({name!r}, {default!r})\nopen({file!r} + '.bin', 'wb')\n"
    source = read_source(script.encode("utf-8", "replace"))
    text = draft_script_sweep(ScriptDraft(sweep_file=file, file=f"{file}.py", python=default), source)
    assert tomllib.loads(text)["script"]["python"] == default.encode("utf-8", "replace").decode()
