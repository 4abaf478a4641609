"""What else a script's text says: its arguments, files, modules and programs, and how it shares shards among ranks."""

import ast
import re
import sys
from dataclasses import dataclass

from jobs.scripts.source.values import UNKNOWN, Values

_STARTERS = frozenset(("run", "Popen", "call", "check_call", "check_output", "which"))
_SAVERS = frozenset(("save", "savez", "savez_compressed", "save_file", "dump"))
MOST_FACTS = 200
"""Of each kind; no script has more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenFile:
    """A file that a script writes."""

    name: str
    """Its path; "*" stands for parts that are not in the text."""
    line: int
    binary: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedModule:
    """A module that a script needs beside Python's own."""

    name: str
    optional: bool
    """Whether the script goes on without it."""


def find_arguments(values: Values) -> tuple[str, ...]:
    """Names of command-line options."""
    names: list[str] = []
    for call in (*values.calls.get("add_argument", ()), *values.calls.get("add_option", ())):
        names += [
            string
            for argument in call.args
            for string in sorted(values.strings(argument))
            if string.startswith("-") and UNKNOWN not in string
        ]
    return tuple(dict.fromkeys(names))[:MOST_FACTS]


def find_writes(values: Values) -> tuple[WrittenFile, ...]:
    """Files that it writes, in the order of the text."""
    writes: dict[str, WrittenFile] = {}
    for node in values.nodes:
        if not isinstance(node, ast.Call) or (target := _written(values, node)) is None:
            continue
        expression, binary = target
        for name in sorted(values.strings(expression)):
            path = re.sub(rf"{UNKNOWN}+", "*", name)
            if path.strip("*./") and path not in writes and len(path) <= 400 and path.isprintable():
                writes[path] = WrittenFile(name=path, line=node.lineno, binary=binary)
    return tuple(sorted(writes.values(), key=lambda file: file.line))[:MOST_FACTS]


def _written(values: Values, call: ast.Call) -> tuple[ast.expr, bool] | None:
    """The path that a call writes to, and whether as bytes."""
    match call:
        case ast.Call(func=ast.Name(id="open"), args=[path, *rest]):
            return _opened(values, path, rest[:1], call)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="io" | "gzip" | "lzma"), attr="open"), args=[path, *rest]):
            return _opened(values, path, rest[:1], call)
        case ast.Call(func=ast.Attribute(value=owner, attr="open"), args=rest):
            return _opened(values, owner, rest[:1], call)
        case ast.Call(func=ast.Attribute(value=owner, attr="write_bytes" | "write_text" as method)):
            return owner, method == "write_bytes"
        case ast.Call(func=ast.Attribute(attr="replace" | "rename" | "copy" | "copyfile" | "move"), args=[_, path]):
            match call.func:
                case ast.Attribute(value=ast.Name(id="os" | "shutil")):
                    return path, True
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name), args=[first, *rest]) if name in _SAVERS:
            if module in ("np", "numpy"):
                return first, True
            return (rest[0], True) if rest else None
        case ast.Call(func=ast.Name(id="save_file"), args=[_, path, *_]):
            return path, True
    return None


def _opened(values: Values, path: ast.expr, mode: list[ast.expr], call: ast.Call) -> tuple[ast.expr, bool] | None:
    named = next((part.value for part in call.keywords if part.arg == "mode"), None)
    modes = values.strings(mode[0] if mode else named)
    writes = [text for text in modes if len(text) <= 4 and set(text) & set("wax+")]
    return (path, any("b" in text for text in writes)) if writes else None


def find_imports(values: Values, beside: frozenset[str]) -> tuple[ImportedModule, ...]:
    """Modules that it imports and that are neither Python's own nor beside it."""
    modules: dict[str, bool] = {}
    for node in values.nodes:
        match node:
            case ast.Import(names=aliases):
                names = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str() as module, level=0):
                names = [module]
            case _:
                continue
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top not in beside:
                modules[top] = modules.get(top, True) and _is_optional(values, node)
    listed = (ImportedModule(name=name, optional=optional) for name, optional in sorted(modules.items()))
    return tuple(listed)[:MOST_FACTS]


def _is_optional(values: Values, node: ast.AST) -> bool:
    """Whether an import stands in a function, a condition, or a `try` that catches its failure."""
    while (above := values.parents.get(node)) is not None:
        if isinstance(above, ast.Try) and node in above.body and above.handlers:
            return True
        if isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)):
            return True
        node = above
    return False


def find_programs(values: Values) -> tuple[str, ...]:
    """Programs that it starts, or looks for."""
    programs: list[str] = []
    for name in sorted(_STARTERS):
        for call in values.calls.get(name, ()):
            if not call.args:
                continue
            first = call.args[0]
            if isinstance(first, (ast.List, ast.Tuple)) and first.elts:
                first = first.elts[0]
            for text in sorted(values.strings(first)):
                program = text.split()[0] if text.split() else ""
                if re.fullmatch(r"[\w.+-]{1,60}", program, re.ASCII):
                    programs.append(program)
    return tuple(dict.fromkeys(programs))[:MOST_FACTS]


def gives_each_rank_shards(values: Values) -> bool:
    """Whether each rank reads shards of its own, so that fewer shards than ranks leave one without any.

    Loaders of the 8,192 era take `files[rank::world_size]`. Those before read the same stream on every rank.
    """
    for node in values.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            lower, step = _words(node.slice.lower), _words(node.slice.step)
            is_strided = "rank" in lower and ("world" in step or "size" in step or "ranks" in step)
            if is_strided and re.search(r"file|shard|path|glob", _words(node.value)):
                return True
    return False


def _words(node: ast.expr | None) -> str:
    """The names in an expression, in lower case."""
    if node is None:
        return ""
    parts = ast.walk(node)
    return " ".join(
        (part.id if isinstance(part, ast.Name) else part.attr).lower()
        for part in parts
        if isinstance(part, (ast.Name, ast.Attribute))
    )
