"""Bundle an entry into one self-contained script: the source of golf.entry.entry, after the packed modules it needs.

Modules are found by parsing import statements. They are packed without docstrings and comments. The script's import
finder comes before all others, so that an installed golf is never used; `requirements` names the other packages needed.
"""

import ast
import base64
import json
import lzma
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "golf"
ENTRY = "golf.entry.entry"
WIDTH = 120
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]

SCRIPT = '''"""{name}

Made by golfsweep package from the modules of golf that it needs. Run it alone or under torchrun:

    SEED=1337 DATA_PATH=./data/datasets/fineweb10B_sp1024 TOKENIZER_PATH=./data/tokenizers/fineweb_1024_bpe.model \\\\
        torchrun --standalone --nproc_per_node=8 train_gpt.py

It needs only the packages of requirements.txt. The run is at the end (golf.entry.entry); the modules that it uses are
packed before it, without comments: `python train_gpt.py --source DIR` writes them to DIR.
"""

import base64
import importlib.abc
import importlib.util
import json
import lzma
import sys
from pathlib import Path

SETTINGS = json.loads(r"""
{settings}
""")

SOURCES = json.loads(lzma.decompress(base64.b85decode("".join("""
{payload}
""".split()))))


class Sources(importlib.abc.InspectLoader, importlib.abc.MetaPathFinder):
    """Finds and loads the packed modules."""

    def find_spec(self, name, path=None, target=None):
        if name not in SOURCES:
            return None
        spec = importlib.util.spec_from_loader(name, self, origin=self.place(name), is_package=self.is_package(name))
        spec.has_location = True
        return spec

    def get_source(self, name):
        return SOURCES[name]

    def get_code(self, name):
        return self.source_to_code(SOURCES[name], self.place(name))

    def is_package(self, name):
        return any(other.startswith(name + ".") for other in SOURCES)

    def place(self, name, root=__file__):
        return str(Path(root, *name.split("."), *["__init__"] * self.is_package(name)).with_suffix(".py"))


sources = Sources()
sys.meta_path.insert(0, sources)

if sys.argv[1:2] == ["--source"]:
    for name, text in SOURCES.items():
        path = Path(sources.place(name, sys.argv[2]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys.exit()

# The source of golf/entry/entry.py.

{entry}

if __name__ == "__main__":
    from golf.errors import InputError
    from golf.train.process_group import end_process

    try:
        run(SETTINGS, Path(__file__).stat().st_size)
    except InputError as error:
        sys.exit(f"train_gpt.py: {{error}}")
    end_process()
'''


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A self-contained train_gpt.py."""

    content: bytes
    source_bytes: int
    """Bytes of its modules before packing."""
    requirements: tuple[str, ...]
    """Third-party packages that its modules import at the top."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Packed:
    """The part that all scripts share."""

    payload: str
    entry: str
    source_bytes: int
    requirements: tuple[str, ...]


def bundle(name: str, settings: Mapping[str, Any]) -> Script:
    """Make the script of an entry; byte-identical for the same sources, settings and Python version.

    Args:
        name: title in the script's first line.
        settings: golf.entry.entry.Entry as plain data, without source_bytes.
    """
    packed = _pack()
    settings = {**settings, "source_bytes": packed.source_bytes}
    text = SCRIPT.format(
        name=_title(name),
        settings=json.dumps(settings, indent=1, allow_nan=False),
        payload=packed.payload,
        entry=packed.entry,
    )
    return Script(content=text.encode(), source_bytes=packed.source_bytes, requirements=packed.requirements)


def code_bytes() -> int:
    """Bytes of an entry's script without its name and settings, which add `added_bytes`."""
    return len(bundle("", {}).content)


def source_bytes() -> int:
    """Bytes of the modules in an entry's script before packing."""
    return _pack().source_bytes


def added_bytes(name: str, settings: Mapping[str, Any]) -> int:
    """Bytes that a name and settings add to a script without any; nothing is packed for it.

    Args:
        name, settings: as for `bundle`.
    """
    texts = [json.dumps(part, indent=1, allow_nan=False) for part in ({**settings, "": 0}, {"": 0})]
    return len(_title(name).encode()) + len(texts[0].encode()) - len(texts[1].encode())


def graph(entry: str) -> dict[str, str]:
    """Sources, by name, of a module of this package and of all modules of it that it imports, directly or not."""
    sources: dict[str, str] = {}
    waiting = [PACKAGE, entry]
    while waiting:
        module = waiting.pop()
        if module in sources or (path := _path(module)) is None:
            continue
        sources[module] = path.read_text(encoding="utf-8")
        waiting.append(module.rpartition(".")[0])
        waiting += _imports(ast.walk(ast.parse(sources[module])))
    return sources


def strip(text: str) -> str:
    """Remove comments and docstrings, including those of fields, from a source."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kept = [statement for statement in node.body if not _is_text(statement)]
            node.body = kept if kept or isinstance(node, ast.Module) else [ast.Pass()]
    return ast.unparse(tree)


def _title(name: str) -> str:
    """A name as a script's first line has it."""
    return " ".join(name.replace("\\", "/").replace('"', "'").split())


@cache
def _pack() -> _Packed:
    sources = graph(ENTRY)
    stripped = {module: strip(text) for module, text in sorted(sources.items()) if module != ENTRY}
    payload = lzma.compress(json.dumps(stripped).encode(), lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=FILTERS)
    return _Packed(
        payload="\n".join(_cut(base64.b85encode(payload).decode())),
        entry=sources[ENTRY].rstrip(),
        source_bytes=sum(len(text.encode()) for text in sources.values()),
        requirements=tuple(sorted({package for text in sources.values() for package in _third_party(text)})),
    )


def _cut(text: str) -> Iterator[str]:
    return (text[start : start + WIDTH] for start in range(0, len(text), WIDTH))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names that the import statements among the nodes may load; some may be attributes instead of modules."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _third_party(text: str) -> set[str]:
    """Packages that a module imports at its top, without this one and the standard library."""
    names = {name.split(".")[0] for name in _imports(iter(ast.parse(text).body))}
    return names - {PACKAGE} - sys.stdlib_module_names


def _path(module: str) -> Path | None:
    """The file of a module of this package; None for any other name."""
    package, *inside = module.split(".")
    if package != PACKAGE:
        return None
    place = Path(__file__).parents[1].joinpath(*inside)
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return path if path.is_file() else None
