"""A script's files held against what its sweep says of them, before anything runs."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from golf.errors import InputError
from jobs.scripts.environment import LIBRARY_PREFIXES
from jobs.scripts.run import LAST_SCORE
from jobs.scripts.runtime import read_runtime
from jobs.scripts.source import ScriptSource, check_metrics, check_names, read_source
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.code import UNPATCHED, Contents, ScriptCode, digest_version, read_versions
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.recipe import ScriptRecipe


def resolve_code(
    spec: SweepSpec, kind: ScriptKind, runtime: Mapping[str, str | None] | None = None, folder: Path = Path()
) -> tuple[ScriptCode, list[str]]:
    """Read a script's files and check its environment against its source.

    Args:
        spec, kind: the sweep.
        runtime: what the interpreter is where the jobs run; None to ask this machine's.
        folder: what the paths of its files are relative to.

    Returns:
        What the sweep needs of them, and a line for each thing that a person should know.

    Raises:
        InputError: a file is missing, a patch does not apply, or a variable is set that the script does not read.
    """
    section = kind.tables.script
    patches = [recipe.patch for recipe in _recipes(spec).values() if recipe.patch is not None]
    versions = read_versions(section, patches, folder)
    sources = {patch: _read(contents) for patch, contents in versions.items()}
    problems, notes = list[str](), list[str]()
    for name, recipe in _recipes(spec).items():
        source = sources[recipe.patch or UNPATCHED]
        given = {variable for stage in (*recipe.stages, *recipe.trials) for variable, _ in stage.env}
        if name == "script" and spec.search is not None:
            first = kind.trial(spec.search.space, _first_point(spec), spec.name)
            given |= {variable for stage in first.stages for variable, _ in stage.env}
        lines = check_names(source, sorted(given), [*section.unread, *LIBRARY_PREFIXES])
        (notes if source.whole else problems).extend(lines)
    metrics = [stage.metric for stage in kind.tables.stages.values() if stage.metric not in (None, LAST_SCORE)]
    for source in sources.values():
        notes += check_metrics(source, metrics)
    if problems:
        raise InputError(*(f"{section.file}: {line}" for line in dict.fromkeys(problems)))
    python = section.python or sys.executable
    if runtime is None:
        is_here = shutil.which(python) is not None
        runtime = read_runtime(python, os.environ, section.passed).to_json() if is_here else {}
    code = ScriptCode(
        versions={patch: digest_version(contents) for patch, contents in versions.items()},
        runtime=runtime,
        names={name: variable.default for name, variable in sources[section.patch or UNPATCHED].names.items()},
    )
    if any(source.shards_per_rank for source in sources.values()):
        notes += _shard_notes(spec, kind)
    return code, [f"{section.file}: {line}" for line in dict.fromkeys(notes)]


def _shard_notes(spec: SweepSpec, kind: ScriptKind) -> Iterator[str]:
    """A line for each stage with more ranks than there are training shards, where each rank needs some of its own."""
    if spec.data.validation == "holdout" or kind.tables.script.launch != "torchrun":
        return
    shards = sum(1 for _ in Path(spec.data.tokens).glob("*_train_*.bin"))  # none of the bundled corpus
    for name, stage in kind.tables.stages.items():
        if 0 < shards < stage.gpus:
            yield (
                f"{spec.data.tokens} has {shards} training shards, and each of the {stage.gpus} ranks of script.{name} "
                f'reads shards of its own; expected at least {stage.gpus}, or data.validation = "holdout"'
            )


def read_contents(spec: SweepSpec, kind: ScriptKind, folder: Path = Path()) -> Iterator[bytes]:
    """Every content that a sweep's script consists of, under any of its patches; paths are relative to a folder."""
    patches = [recipe.patch for recipe in _recipes(spec).values() if recipe.patch is not None]
    for contents in read_versions(kind.tables.script, patches, folder).values():
        yield from contents.values()


def script_paths(spec: SweepSpec) -> list[str]:
    """The files of a script and its patches, as the sweep file names them; none of our own recipe."""
    if not isinstance(spec.kind, ScriptKind):
        return []
    section = spec.kind.tables.script
    patches = [recipe.patch for recipe in _recipes(spec).values() if recipe.patch is not None]
    return list(dict.fromkeys([section.file, *section.files, *patches]))


def _recipes(spec: SweepSpec) -> Mapping[str, ScriptRecipe]:
    recipes = {"script": spec.recipe, **{f'arm "{arm.name}"': arm.recipe for arm in spec.arms}}
    return {name: recipe for name, recipe in recipes.items() if isinstance(recipe, ScriptRecipe)}


def _first_point(spec: SweepSpec) -> Mapping[str, object]:
    from sweeps.spec.checks.corners import values_one_by_one

    assert spec.search is not None
    return next(values_one_by_one(spec.search.space))


def _read(contents: Contents) -> ScriptSource:
    script, *files = contents
    return read_source(contents[script], {name: contents[name] for name in files}, name=script)
