"""The stages of a script as a graph: which comes from which, what each reads, and which of them is scored."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from golf.errors import InputError, shown
from jobs.scripts.placeholders import placeholders, unknown_placeholders
from sweeps.spec.script.sections import ScriptTables, StageSection
from sweeps.spec.settings import suggest

Sources = Mapping[str, tuple[str, ...]]
ARTIFACT = "artifact"
"""The role that a submission consists of."""


def read_graph(stages: Mapping[str, StageSection], where: str) -> Sources:
    """The stages that each comes from, each stage after those.

    Raises:
        InputError: a stage comes from one that does not exist, or, by way of others, from itself.
    """
    problems = []
    for name, stage in stages.items():
        for source in stage.sources:
            if source not in stages:
                hint = suggest(source, [other for other in stages if other != name])
                problems.append(f"{where}: script.{name}.from = {shown(source)}: no such stage; {hint}")
    if problems:
        raise InputError(*problems)
    try:
        order = list(TopologicalSorter({name: stage.sources for name, stage in stages.items()}).static_order())
    except CycleError as error:
        path = " from ".join(error.args[1])
        raise InputError(f"{where}: script.{error.args[1][0]}.from: a circle: {path}") from None
    return {name: stages[name].sources for name in order}


def roles_before(stage: str, stages: Mapping[str, StageSection], sources: Sources) -> dict[str, str]:
    """Roles that a stage can read → the stage that leaves each: the nearest of those that it comes from."""
    roles: dict[str, str] = {}
    for source in sources[stage]:
        for role, owner in {
            **roles_before(source, stages, sources),
            **dict.fromkeys(stages[source].out, source),
        }.items():
            roles.setdefault(role, owner)
    return roles


def roles_read(stage: str, tables: ScriptTables, sources: Sources) -> tuple[str, ...]:
    """Roles that a stage reads: those that it keeps and those that a value of its tables names.

    One that comes from others and names nothing of them gets all that those leave.
    """
    known, roles = roles_before(stage, tables.stages, sources), roles_named(stage, tables, sources)
    if not roles:
        return tuple(role for role, owner in known.items() if owner in tables.stages[stage].sources)
    return roles


def roles_named(stage: str, tables: ScriptTables, sources: Sources) -> tuple[str, ...]:
    """Roles that a stage keeps or that a value of its tables names."""
    section, known = tables.stages[stage], roles_before(stage, tables.stages, sources)
    envs = [tables.script.env, *(tables.stages[name].env for name in _before(stage, sources))]
    texts = [*tables.script.args, *(value for env in envs for value in env.values() if isinstance(value, str))]
    named = [word.removeprefix("in.") for text in texts for word in sorted(placeholders(text)) if word[:3] == "in."]
    return tuple(dict.fromkeys(role for role in (*section.keep, *named) if role in known))


def _before(stage: str, sources: Sources) -> Iterator[str]:
    yield stage
    for source in sources[stage]:
        yield from _before(source, sources)


def stage_problems(tables: ScriptTables, sources: Sources) -> Iterator[str]:
    """A line for each output that is named twice, and for each that a stage keeps and no stage before it leaves."""
    for name, stage in tables.stages.items():
        files = list(stage.out.values())
        if twice := next((file for file in files if files.count(file) > 1), None):
            yield f"script.{name}.out: two roles for {twice}; name each file once"
        known = roles_before(name, tables.stages, sources)
        for role in stage.keep:
            if role not in known:
                hint = suggest(role, known) if known else 'name the stage that leaves it in "from"'
                yield f"script.{name}.keep: {shown(role)}: no stage before it leaves that; {hint}"
        roles = roles_read(name, tables, sources)
        yield from _clashes(name, stage, {role: tables.stages[known[role]].out[role] for role in roles}, tables)
        for text in tables.script.args:
            for word in unknown_placeholders(text, roles):
                about = f"{{{word}}}: stage {name} has nothing of that name"
                yield f"script.args: {about}, and all stages get the same args"


def _clashes(name: str, stage: StageSection, read: Mapping[str, str], tables: ScriptTables) -> Iterator[str]:
    """A line for each file of a stage's folder that would be two things.

    Args:
        name, stage, tables: the stage, and all.
        read: role → file of the earlier outputs that it gets.
    """
    named = list(read.values())
    if twice := next((file for file in named if named.count(file) > 1), None):
        what, which = ("keep", "keep one of them") if set(read) <= set(stage.keep) else (
            "from", 'name those that it needs in "keep", or rename one in "out"'
        )  # fmt: skip
        yield f"script.{name}.{what}: two outputs are called {twice}; {which}"
    kept = {read[role] for role in stage.keep if role in read}
    if both := sorted(kept & set(stage.out.values())):
        yield f"script.{name}.out: {both[0]} is kept, so what the script writes there goes aside; name another file"
    own = {PurePosixPath(path).name for path in (tables.script.file, *tables.script.files)}
    if own_files := sorted(own & {*read.values(), *stage.out.values()}):
        yield f"script.{name}: {own_files[0]} is a file of the script; give the output of that name another one"


def maker_of_artifact(tables: ScriptTables, sources: Sources) -> str | None:
    """The stage that leaves the artifact which the scored stage makes or reads; None where it does neither."""
    scored = scored_stage(tables.stages)
    if ARTIFACT in tables.stages[scored].out:
        return scored
    return (
        roles_before(scored, tables.stages, sources)[ARTIFACT]
        if ARTIFACT in roles_read(scored, tables, sources)
        else None
    )


def scorer_problems(tables: ScriptTables, sources: Sources) -> Iterator[str]:
    """A line for each reason why a named scorer could not be audited."""
    reference, script = tables.script.score, tables.script
    if reference is None:
        return
    names, scored = [PurePosixPath(path).name for path in (script.file, *script.files)], scored_stage(tables.stages)
    file = reference.partition(":")[0]
    if file not in names:
        yield f"script.score: {shown(file)} is none of the script's files; {suggest(file, names)}"
    if maker_of_artifact(tables, sources) is None:
        yield f"script.score: script.{scored} neither makes nor reads a role {ARTIFACT}, from which score() would score"
    read = [role for role in roles_named(scored, tables, sources) if role != ARTIFACT]
    if read:
        yield (
            f"script.score: script.{scored} reads {', '.join(read)} beside the artifact; an audit gives score() the "
            "artifact alone, as a submission has it"
        )


def scored_stage(stages: Mapping[str, StageSection]) -> str:
    """The stage whose metric is the score: the last of the file that has one; if none has, the last."""
    with_metric = [name for name, stage in stages.items() if stage.metric is not None]
    return (with_metric or list(stages))[-1]
