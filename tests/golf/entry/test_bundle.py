"""The packed script of an entry: its modules, its reproducibility, and what packing removes."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from golf.entry import bundle
from golf.entry.bundle import ENTRY, graph, strip

SETTINGS = {"text": 'a """ quoted \\ é\n', "number": 1.5, "nothing": None}
NAME = 'it\'s "quoted" \\ and\nof two lines """'


def test_only_the_modules_that_run_are_packed() -> None:
    sources = graph(ENTRY)
    assert {
        "golf",
        "golf.train.training",
        "golf.model.gpt",
        "golf.artifact.packing",
        "golf.ttt.engine",
        "golf.train.checkpoint",
    } <= sources.keys()
    # Named by `from golf import …` alone, at the top and inside functions alike.
    assert {"golf.ttt.adapters", "golf.model.block_attention"} <= sources.keys()
    assert not {
        name for name in sources if any(part in name for part in ("audit", "proof", "codec", "corpus", "bundle"))
    }


def test_packed_modules_lose_only_docstrings_and_comments() -> None:
    text = '''"""What it is."""
# why
class Empty(ValueError):
    """Only words."""
class Full:
    """Words."""
    size: int = 3  # a comment
    """Of something."""
def call(x=" # no comment"):
    """Words."""
    "and more"
    return f"{x!r:>{20}}"
'''
    packed = strip(text)
    assert "ords" not in packed
    assert "comment\n" not in packed
    assert "Of something" not in packed
    spaces: list[dict[str, object]] = [{}, {}]
    for source, space in zip((text, packed), spaces, strict=True):
        exec(source, space)
    one, other = (space["call"]() for space in spaces)  # type: ignore[operator]
    assert one == other
    assert spaces[1]["Full"].size == 3  # type: ignore[attr-defined]
    assert strip(packed) == packed


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_every_packed_module_is_its_source_without_comments(tmp_path: Path) -> None:
    script = tmp_path / "train_gpt.py"
    script.write_bytes(bundle.bundle(NAME, SETTINGS).content)
    subprocess.run([sys.executable, "-I", script, "--source", tmp_path / "out"], check=True, timeout=120)
    sources = graph(ENTRY)
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.py")}
    assert {module_of(path) for path in written} == sources.keys() - {ENTRY}
    for path in written - {"golf/__init__.py"}:
        assert (tmp_path / "out" / path).read_text() == strip(sources[module_of(path)])


def test_the_script_finds_everything_that_it_imports() -> None:
    tree = ast.parse(bundle.bundle(NAME, SETTINGS).content)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    golf = [node for node in imports if node.module is not None and node.module.split(".")[0] == "golf"]
    assert {node.module for node in golf} <= graph(ENTRY).keys()
    for node in golf:
        module = importlib.import_module(str(node.module))
        assert all(hasattr(module, alias.name) for alias in node.names), node.module


def test_the_script_has_settings_and_run_in_plain_text() -> None:
    made = bundle.bundle(NAME, SETTINGS)
    text = made.content.decode()
    tree = ast.parse(text)
    assert graph(ENTRY)[ENTRY].rstrip() in text
    [settings] = [
        node.value.args[0].value for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SETTINGS"
        and isinstance(node.value, ast.Call) and isinstance(node.value.args[0], ast.Constant)
    ]  # fmt: skip
    assert json.loads(str(settings)) == {**SETTINGS, "source_bytes": made.source_bytes}


def test_the_script_is_the_same_in_every_process() -> None:
    code = "import sys; from golf.entry.bundle import bundle; sys.stdout.buffer.write(bundle('x', {'a': 1}).content)"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment, timeout=120)
    assert done.stdout == bundle.bundle("x", {"a": 1}).content


def test_the_scripts_size_and_requirements() -> None:
    made = bundle.bundle("x", {})
    assert len(made.content) < made.source_bytes == sum(len(text.encode()) for text in graph(ENTRY).values())
    assert made.requirements == ("constriction", "numpy", "safetensors", "sentencepiece", "torch", "zstandard")


@pytest.mark.parametrize("name", ["os", "torch.nn", "golf.nothing", "golfer"])
def test_other_packages_are_not_packed(name: str) -> None:
    assert graph(name).keys() == {"golf"}
