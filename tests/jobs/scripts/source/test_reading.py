"""What else a script's text says: files, lines with scores, modules, programs, arguments, its Python."""

import pytest

from golf.errors import InputError
from jobs.scripts.source import ScriptSource, read_source
from jobs.scripts.source.limits import MAX_SOURCE_BYTES
from jobs.scripts.source.values import Values


def read(script: str, **files: bytes) -> ScriptSource:
    return read_source(script.encode(), {f"{name}.py": content for name, content in files.items()})


def test_files_that_it_writes() -> None:
    source = read("""
import torch, os, numpy as np
from pathlib import Path
class H:
    model_path = "final_model.pt"
    out = os.environ.get("ARTIFACT_DIR", "runs")
run_id = uuid()
torch.save(x, H.model_path)
with open("final_model.int8.ptz", "wb") as f: f.write(b"")
open(f"logs/{run_id}.txt", "a")
open("config.json"); open("train_gpt.py", "rb"); open(sys.argv[1], "wb")
Path("a") / "b"
(Path("runs") / "best.bin").write_bytes(b"")
np.savez("scores.npz", a=1)
os.replace("tmp.bin", "done.bin")
""")
    assert [(file.name, file.binary) for file in source.writes] == [
        ("final_model.pt", True),
        ("final_model.int8.ptz", True),
        ("logs/*.txt", False),
        ("runs/best.bin", True),
        ("scores.npz", True),
        ("done.bin", True),
    ]


def test_lines_with_scores_are_those_that_the_reader_of_logs_knows() -> None:
    source = read("""
def timed(label, f):
    log(f"{label} val_loss:{loss:.8f} val_bpb:{bpb:.8f} eval_time:{ms:.0f}ms")
log0(f"step:{step}/{n} val_loss:{loss:.4f} val_bpb:{bpb:.4f} train_time:{ms:.0f}ms")
timed("pre-quantization post-ema", f)
timed("quantized_ttt_phased", f)
print("final_int8_zlib_roundtrip_exact val_loss:%.8f val_bpb:%.8f" % (a, b))
print("legal_ttt_exact val_loss:{:.8f} val_bpb:{:.8f}".format(a, b))
mean = total / 1e5 + seed / 3
print(f"final_sliding_window val_loss:{mean:.8f} val_bpb:{mean:.8f}")
print(f"bpb is {x}")
''' final_in_a_docstring val_loss: and val_bpb: '''
""")
    assert {(metric.name, metric.stage) for metric in source.metrics} == {
        ("pre-quantization post-ema", "trained"),
        ("quantized_ttt_phased", "adapted"),
        ("final_int8_zlib_roundtrip", "roundtrip"),
        ("final_sliding_window", "sliding"),
        ("legal_ttt", "adapted"),
    }


def test_modules_programs_and_arguments() -> None:
    source = read(
        """
import os, numpy.linalg, lib, torch.distributed as dist
from sentencepiece import SentencePieceProcessor
from . import other
try:
    from flash_attn_interface import flash_attn_func
except ImportError:
    flash_attn_func = None
def late():
    import brotli
import subprocess, shutil, argparse
subprocess.run(["lrzip", "-z", "x"]); subprocess.check_output("nvidia-smi -L", shell=True); shutil.which("zstd")
argparse.ArgumentParser().add_argument("-n", "--steps", type=int)
""",
        lib=b"import triton",
    )
    assert {module.name: module.optional for module in source.modules} == {
        "numpy": False,
        "torch": False,
        "sentencepiece": False,
        "flash_attn_interface": True,
        "brotli": True,
        "triton": False,
    }
    assert set(source.programs) == {"lrzip", "nvidia-smi", "zstd"}
    assert source.arguments == ("-n", "--steps")


@pytest.mark.parametrize(
    ("loader", "own"),
    [
        ("self.files = all_files[h.rank::h.world_size]", True),
        ("shards = sorted(glob.glob(pattern))[rank::world_size]", True),
        ("for path in paths[dist.get_rank()::dist.get_world_size()]: pass", True),
        ("tokens = stream[rank * n : rank * n + n]", False),
        ("params = group['params'][rank::world_size]", False),
        ("files = sorted(glob.glob(pattern))", False),
    ],
)
def test_whether_each_rank_needs_shards_of_its_own(loader: str, own: bool) -> None:
    assert read(loader).shards_per_rank is own


def test_switches_are_those_of_public_scripts() -> None:
    source = read("import os\nfor n in ('LOAD_CKPT', 'EVAL_ONLY', 'PREQUANT_ONLY', 'EVAL_STRIDE'): os.environ.get(n)\n")
    assert [entry.name for entry in source.switches] == ["EVAL_ONLY", "LOAD_CKPT"]


@pytest.mark.parametrize(
    ("syntax", "python"),
    [
        ("x = 1", (3, 8)),
        ("with (open(a) as f, open(b) as g): pass", (3, 9)),
        ("match x:\n    case 1: pass", (3, 10)),
        ("try: pass\nexcept* ValueError: pass", (3, 11)),
        ('x = f"{y["a"]}"', (3, 12)),
        ("x = f\"{', '.join(f'{i:>{os.environ['WIDTH']}}' for i in range(3))!r:>10}\"", (3, 12)),
        ("x = f'''{\n    {'a': 1}['a']  # a note with a quote '\n}'''", (3, 12)),
    ],
)
def test_the_oldest_python_with_its_syntax(syntax: str, python: tuple[int, int]) -> None:
    source = read(f"import os\n{syntax}\nz = os.environ.get('LAST')\n")
    assert source.whole == ()
    assert source.python == python
    assert source.names["LAST"].line == 3 + syntax.count("\n")


def test_names_in_new_fstrings_are_found() -> None:
    source = read('import os\nx = f"{os.environ.get("A", "3"):>{os.environ["B"]}} {{no}} {f"{os.environ["C"]}"}"\n')
    assert {name: (entry.default, entry.line) for name, entry in source.names.items()} == {
        "A": ("3", 2),
        "B": (None, 2),
        "C": (None, 2),
    }


def test_a_text_that_is_no_python_is_said() -> None:
    source = read("import os\nx = (\n")
    (reason,) = source.whole
    assert reason.startswith("train_gpt.py: its text is not Python as this version reads it (line 2")


def test_a_script_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="expected a script of at most"):
        read_source(bytes(MAX_SOURCE_BYTES + 1))


def test_entangled_texts_end_soon_and_are_said() -> None:
    lines = [f"a{i} = a{i + 1} + a{(i * 7) % 40} + a{(i * 3) % 40}" for i in range(40)]
    source = read("import os\na40 = 'x'\n" + "\n".join(lines) + "\nos.environ.get(a0)\n" * 300)
    assert source.whole


def test_strings_have_bounds() -> None:
    import ast

    tree = ast.parse("\n".join(f"x = 'value {i}'" for i in range(1000)) + "\ny = x\n")
    values = Values({"t.py": tree})
    last = tree.body[-1]
    assert isinstance(last, ast.Assign)
    assert values.strings(last.value) == frozenset()
