"""Environment variables that a script reads, in the ways in which public scripts read them."""

import pytest

from jobs.scripts.source import check_metrics, check_names, read_source
from jobs.scripts.source.checking import unset_names

Facts = tuple[str | None, str]


def names_of(script: str, **files: str) -> dict[str, Facts]:
    beside = {f"{name}.py": text.encode() for name, text in files.items()}
    source = read_source(script.encode(), beside)
    assert not source.whole
    return {name: (entry.default, entry.kind) for name, entry in source.names.items()}


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ('int(os.environ.get("X", 20_000))', ("20000", "int")),
        ('float(os.environ.get("X", "0.04"))', ("0.04", "float")),
        ('float(os.environ.get("X", 1e-8))', ("1e-08", "float")),
        ('bool(int(os.environ.get("X", "1")))', ("1", "bool")),
        ('os.environ.get("X", "0") == "1"', ("0", "bool")),
        ('os.environ.get("X", "").lower() in ("1", "true", "yes")', ("", "bool")),
        ('os.environ.get("X", "./data")', ("./data", "str")),
        ('os.environ.get("X", str(uuid.uuid4()))', (None, "str")),
        ('os.environ.get("X", 64 * 1024)', ("65536", "int")),
        ('os.environ.get(key="X", default=True)', ("1", "bool")),
        ('int(os.environ.get("X") or "3")', ("3", "int")),
        ('os.getenv("X", "a")', ("a", "str")),
        ('os.environ["X"]', (None, "str")),
        ('int(os.environ["X"])', (None, "int")),
        ('"X" in os.environ and 1', (None, "str")),
        ('os.environ.setdefault("X", "b")', ("b", "str")),
        ('os.environ.pop("X", None)', (None, "str")),
        ('tuple(int(x) for x in os.environ.get("X", "5,6").split(",") if x)', ("5,6", "str")),
        ('__import__("os").environ.get("X", "c")', ("c", "str")),
    ],
)
def test_each_way_to_read_a_variable(read: str, expected: Facts) -> None:
    assert names_of(f"import os, uuid\nclass H:\n    x = {read}\n") == {"X": expected}


@pytest.mark.parametrize(
    "start",
    [
        "from os import environ as e; g = e.get",
        "import os as o; g = o.environ.get",
        "from os import getenv as g",
        "import os; e = os.environ; g = lambda n, d: e.get(n, d)",
        "import os; e = dict(os.environ); g = lambda n, d: e.get(n, d)",
        "import os; e = os.environ.copy(); g = lambda n, d: e[n] if n in e else d",
        "import os.path; g = os.environ.get",
        "from os import *; g = getenv",
        "import os\nclass A:\n    e = os.environ\n    def read(self, n, d): return self.e.get(n, d)\n"
        "g = lambda n, d: A().read(n, d)",
        "import os\ndef f(env):\n    return env.get('X', 3)\ng = lambda n, d: f(os.environ)",
    ],
)
def test_other_names_of_the_environment_are_followed(start: str) -> None:
    assert list(names_of(f"{start}\nx = int(g('X', 3))")) == ["X"]


def test_functions_that_take_the_name_are_followed() -> None:
    script = """
import os
def env_int(name, default):
    return int(os.environ.get(name, default))
def flag(name, default=False):
    value = os.environ.get(name)
    return default if value is None else value == "1"
def layer(number, default):
    return env_int(f"LAYER_{number}_HEADS", default)
def lower(name, default): return env_int(name.upper(), default)
env = lambda key, default: type(default)(os.environ.get(key, default))
def typed(key, default, cast=str): return cast(os.environ.get(key, str(default)))
def print_hint(key): return os.environ.get(key, "x")
a = env_int("A", 5); b = env_int(default=7, name="B"); c = flag("C", True); d = flag("D")
e = layer(3, 8); f = lower("f", 9); g = env("G", 0.5)
h = typed("H", 3); i = typed("I", 3, float); j = typed("J", 1, cast=bool); k = print_hint("K")
"""
    assert names_of(script) == {
        "A": ("5", "int"),
        "B": ("7", "int"),
        "C": ("1", "bool"),
        "D": ("0", "bool"),
        "LAYER_3_HEADS": ("8", "int"),
        "F": ("9", "int"),
        "G": ("0.5", "float"),
        "H": ("3", "int"),
        "I": ("3", "float"),
        "J": ("1", "bool"),
        "K": ("x", "str"),
    }


def test_a_name_of_a_function_hides_the_one_outside() -> None:
    script = 'import os\nname = "OUTSIDE"\ndef read(name): return os.environ.get(name)\nread("INSIDE")\n'
    assert list(names_of(script)) == ["INSIDE"]


def test_loops_over_names_are_followed() -> None:
    script = """
import os
from dataclasses import dataclass, fields
NAMES = ["A", "B"]
@dataclass
class Config:
    width: int = 512
    depth: int = 9
for name in NAMES: os.environ.get(name)
for name, default in (("C", 1), ("D", 2)): os.environ.get(name, default)
x = {key: os.environ.get(key) for key in {"E": 1}.keys()}
for word in "F G".split(): os.environ.get(word)
for field in fields(Config): os.environ.get(field.name.upper())
"""
    assert set(names_of(script)) == {"A", "B", "C", "D", "E", "F", "G", "WIDTH", "DEPTH"}


def test_files_beside_it_share_their_functions_with_it() -> None:
    script = "from lib import env\nx = env('X', 3)\n"
    beside = "import os\ndef env(name, default): return int(os.environ.get(name, default))\ny = env('Y', 4)\n"
    source = read_source(script.encode(), {"lib.py": beside.encode(), "notes.txt": b"os.environ['Z']"})
    assert [(entry.name, entry.file, entry.line) for entry in source.names.values()] == [
        ("X", "train_gpt.py", 2),
        ("Y", "lib.py", 3),
    ]
    assert "lib" not in [module.name for module in source.modules]


def test_what_is_set_or_deleted_is_not_read() -> None:
    script = """
import os, subprocess
os.environ["A"] = "1"
os.environ.update(B="2")
del os.environ["C"]
subprocess.run(["lrzip"], env=dict(os.environ, D="3"))
# os.environ["E"]
text = "os.environ['F']"
print(len(os.environ))
"""
    assert names_of(script) == {}


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ("load(**os.environ)", "hands on the environment"),
        ("settings = library.Settings(os.environ)", "hands on the environment"),
        ("x = {k: v for k, v in os.environ.items()}", "goes through the whole environment"),
        ("x = os.environ.get(input())", "whose name is not in the text"),
        ("def read(name): return os.environ[name]\nregister(read)", "whose name is not in the text"),
        ("import dotenv", "imports dotenv"),
        ("exec(open(input()).read())", "executes a text"),
        ("register(os.environ.get)", "hands on what reads"),
    ],
)
def test_what_cannot_be_followed_is_said(use: str, reason: str) -> None:
    source = read_source(f"import os\nx = os.environ.get('X')\n{use}\n".encode())
    assert list(source.names) == ["X"]
    (line,) = source.whole
    assert line.startswith("train_gpt.py, line 3: ")
    assert reason in line


def test_a_name_that_is_put_together_is_known_by_its_beginning() -> None:
    source = read_source(b"import os\nfor i in range(n): os.environ.get(f'LAYER_{i}_LR', '1')\n")
    assert source.prefixes == ("LAYER_",)
    assert source.reads("LAYER_7_LR")
    assert not source.reads("LAYERS")


SCRIPT = b"import os\nfor name in ('MATRIX_LR', 'SEED', 'RANK'): os.environ.get(name)\n"


def test_a_name_that_is_not_read_is_an_error_with_the_nearest() -> None:
    source = read_source(SCRIPT)
    problems = check_names(source, ["MATRX_LR", "SEED", "OTHER", "NCCL_DEBUG"], ["NCCL_"])
    assert len(problems) == 2
    assert problems[0].startswith("MATRX_LR: the script does not read it; did you mean MATRIX_LR?")
    assert problems[1].startswith("OTHER: the script does not read it; expected a name of its source")
    assert problems[1].endswith("of its source. To set it all the same, list it in script.unread")
    assert check_names(source, ["OTHER"], ["OTHER"]) == []
    assert "did you mean MATRIX_LR?" in check_names(source, ["matrix_lr"])[0]


@pytest.mark.parametrize(
    ("metric", "warning"),
    [
        ("final_int8_zlib_roundtrip", ""),
        ("final_int8_zlib_roundtrip_exact", ""),
        ("last final_int8_zlib_roundtrip", ""),
        (r"roundtrip val_bpb:(\d\.\d+)", ""),
        ("final_int8_zlib_rountrip", 'rountrip" with a score, the metric of this sweep; did you mean final_int8_zlib_'),
        ("legal_ttt", "the metric of this sweep; it shows final_int8_zlib_roundtrip"),
    ],
)
def test_a_metric_whose_line_the_text_does_not_show_is_a_warning(metric: str, warning: str) -> None:
    source = read_source(b"print(f'final_int8_zlib_roundtrip_exact val_loss:{x:.8f} val_bpb:{y:.8f}')")
    assert [warning in line for line in check_metrics(source, [metric])] == ([True] if warning else [])
    assert check_metrics(read_source(SCRIPT), [metric]) == [], "a text that shows no score says nothing"


def test_names_that_nobody_sets_are_listed_without_those_of_the_launcher() -> None:
    assert unset_names(read_source(SCRIPT), ["SEED"]) == ("MATRIX_LR",)
