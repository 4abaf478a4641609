"""Environments of a script's stages: values as text, and which table of a file counts for which stage.

A stage has, each on top of the one before: [script.env]; the own environments of the stages that it comes from; its own
`env`. An arm's, a trial's and a proxy's tables are laid over the file's tables first, table by table. So what a stage
sets itself stands against a general setting wherever that comes from: an evaluation that sets ITERATIONS = 0 keeps it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from golf.errors import shown
from jobs.scripts.placeholders import unknown_placeholders
from sweeps.spec.settings import Settings

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OWN_PREFIX = "GOLFSWEEP_"
MOST_CHARACTERS = 100_000
"""Longest value; the kernel takes 131,072 bytes."""
Layers = Mapping[str, Mapping[str, str]]
"""Environment by stage; that of all stages under ""."""


def text_of(value: Any) -> str:
    """A value as the script gets it: 1 and 0 for booleans, whole numbers as they are, the shortest text of others."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else repr(value)


def texts_of(env: Settings) -> dict[str, str]:
    """An environment as a script gets it."""
    return {name: text_of(value) for name, value in env.items()}


def env_problems(env: Any, prefix: str) -> Iterator[str]:
    """A line for each variable of a table that cannot be one.

    Args:
        env: a table of a file.
        prefix: the table's dotted name.
    """
    if not isinstance(env, Mapping):
        yield f"{prefix} = {shown(env)}; expected a table of environment variables"
        return
    for name, value in env.items():
        if not NAME.fullmatch(name):
            yield f"{prefix}.{name if name.isprintable() else shown(name)}: not a name of an environment variable"
        elif name.startswith(OWN_PREFIX):
            yield f"{prefix}.{name}: names that begin with {OWN_PREFIX} are golfsweep's own"
        elif not isinstance(value, str | bool | int | float):
            yield f"{prefix}.{name} = {shown(value)}; expected text, a number, true or false"
        elif "\0" in (text := text_of(value)) or len(text) > MOST_CHARACTERS:
            yield f"{prefix}.{name} = {shown(value)}: no script can be given that text"


def placeholder_problems(env: Mapping[str, str], roles: Iterable[str], prefix: str) -> Iterator[str]:
    """A line for each placeholder of a stage's environment that means nothing there."""
    roles = list(roles)
    known = ", ".join(
        ["{data}", "{data_dir}", "{tokenizer}", "{out}", "{run}", "{seed}", *(f"{{in.{r}}}" for r in roles)]
    )
    for name, text in env.items():
        for word in unknown_placeholders(text, roles):
            yield f"{prefix}.{name}: {{{word}}}: nothing of that name; known are {known}, and {{{{{word}}}}} is text"


def environment_of(stage: str, layers: Layers, sources: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The environment of a stage.

    Args:
        stage: its name.
        layers: environments of the file and what is laid over them.
        sources: stage → the stages that it comes from.
    """
    return {**layers.get("", {}), **_own(stage, layers, sources)}


def setting_stages(name: str, layers: Layers, sources: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """The stages that a variable of all stages reaches: those that do not set it themselves, or by those before."""
    return frozenset(stage for stage in sources if name not in _own(stage, layers, sources))


def stages_from(stage: str, sources: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """A stage and all that come from it, directly or not: they have its environment."""
    reached = {stage}
    for name, before in sources.items():  # each after those that it comes from
        if reached & set(before):
            reached.add(name)
    return frozenset(reached)


def _own(stage: str, layers: Layers, sources: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    inherited: dict[str, str] = {}
    for source in sources[stage]:
        inherited = _own(source, layers, sources) | inherited  # the first that is named counts, as for its outputs
    return {**inherited, **layers.get(stage, {})}
