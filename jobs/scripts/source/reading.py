"""Read a script: everything that its text says about it."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from golf.errors import InputError
from jobs.scripts.source.facts import (
    ImportedModule,
    WrittenFile,
    find_arguments,
    find_imports,
    find_programs,
    find_writes,
    gives_each_rank_shards,
)
from jobs.scripts.source.limits import MAX_SOURCE_BYTES
from jobs.scripts.source.metric_lines import MetricLine, find_metric_lines
from jobs.scripts.source.names import EnvironmentName, read_names
from jobs.scripts.source.text.parsing import OLDEST, Parsed, parse
from jobs.scripts.source.text.unwrap import unpack
from jobs.scripts.source.values import Values

_SWITCHES = ("TTT_EVAL_ONLY", "EVAL_ONLY", "QUANTIZE_ONLY", "TTT_ONLY", "EVAL_ONLY_PATH")
"""Variables of public scripts that skip the training, or start from a file; those named LOAD_… do so, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptSource:
    """What a script's text says."""

    names: Mapping[str, EnvironmentName]
    """Environment variables that it reads, by name, in the order of the text."""
    prefixes: tuple[str, ...]
    """Beginnings of further names, which it puts together."""
    whole: tuple[str, ...]
    """Why it may read names that are not listed, a line each; empty if all are."""
    arguments: tuple[str, ...]
    writes: tuple[WrittenFile, ...]
    metrics: tuple[MetricLine, ...]
    modules: tuple[ImportedModule, ...]
    programs: tuple[str, ...]
    shards_per_rank: bool
    """Whether each rank needs a training shard of its own."""
    python: tuple[int, int]
    """The oldest Python with all of its syntax."""
    unpacked: tuple[str, ...] = field(repr=False)
    """Texts that the script unpacks and executes, from outside."""

    @property
    def switches(self) -> tuple[EnvironmentName, ...]:
        """Variables that skip the training, or start from a file."""
        known = [self.names[name] for name in _SWITCHES if name in self.names]
        return (*known, *(entry for name, entry in self.names.items() if name.startswith("LOAD_")))

    def reads(self, name: str) -> bool:
        """Whether it reads a variable, as far as the text says."""
        return name in self.names or any(name.startswith(prefix) for prefix in self.prefixes)


def read_source(script: bytes, files: Mapping[str, bytes] | None = None, *, name: str = "train_gpt.py") -> ScriptSource:
    """Read a script and the files beside it, without running any of it.

    Args:
        script: its content.
        files: contents of the files beside it, by name; those that are not Python are not read.
        name: of the script, for messages.

    Raises:
        InputError: the script is too long.
    """
    if len(script) > MAX_SOURCE_BYTES:
        raise InputError(f"{name}: {len(script)} bytes; expected a script of at most {MAX_SOURCE_BYTES}")
    beside = dict(files or {})
    whole: list[str] = []
    trees: dict[str, ast.Module] = {}
    unpacked: list[str] = []
    oldest = (3, OLDEST)
    python = {path: content for path, content in beside.items() if path.endswith(".py")}
    for path, content in {name: script, **python}.items():
        texts = [_decode(content)]
        for depth, text in enumerate(texts):
            where = path if depth == 0 else f"{path} unpacked" if depth == 1 else f"{path} unpacked {depth} times"
            parsed = parse(text)
            if not isinstance(parsed, Parsed):
                whole.append(f"{where}: its text is not Python as this version reads it ({parsed})")
                continue
            trees[where] = parsed.tree
            oldest = max(oldest, parsed.python)
            if depth == 0:
                packed, problems = unpack(parsed.tree, beside)
                texts += packed
                unpacked += packed if path == name else []
                whole += [f"{where}, {problem}" for problem in problems]
    values = Values(trees)
    names = read_names(values)
    modules = frozenset(PurePath(path).stem for path in beside) | {PurePath(path).parts[0] for path in beside if path}
    return ScriptSource(
        names=names.names,
        prefixes=tuple(sorted(names.prefixes)),
        whole=(*whole, *names.whole),
        arguments=find_arguments(values),
        writes=find_writes(values),
        metrics=find_metric_lines(values),
        modules=find_imports(values, modules),
        programs=find_programs(values),
        shards_per_rank=gives_each_rank_shards(values),
        python=oldest,
        unpacked=tuple(unpacked),
    )


def _decode(content: bytes) -> str:
    return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\0", " ")
