"""Hold what a sweep file says of a script, its environment and its metrics, against the script's source."""

import difflib
import re
from collections.abc import Collection, Iterable

from jobs.scripts.source.reading import ScriptSource

LAUNCHER_NAMES = frozenset(
    (
        *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK"),
        *("ROLE_NAME", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
        *("PATH", "HOME", "USER", "TMPDIR", "LANG", "PYTHONPATH", "HOSTNAME"),
    )
)
"""Variables that are set for every script: by torchrun, by the launcher, or by the machine."""
_MOST_SHOWN = 60
_MOST_METRICS = 8
"""Names of lines that a warning lists."""


def check_names(source: ScriptSource, given: Iterable[str], allowed: Collection[str] = ()) -> list[str]:
    """What is wrong with the environment that is set for a script: a line for each name that it does not read.

    Args:
        source: the script.
        given: names that are set.
        allowed: names and, ending in "_", prefixes that pass: the file's `unread`, and those of libraries.
    """
    exact = {name for name in allowed if not name.endswith("_")}
    prefixes = tuple(name for name in allowed if name.endswith("_"))
    problems: list[str] = []
    for name in dict.fromkeys(given):
        if source.reads(name) or name in exact or name in LAUNCHER_NAMES or name.startswith(prefixes):
            continue
        problems.append(f"{name[:_MOST_SHOWN]}: the script does not read it; {_advice(source, name)}")
    return problems


def unset_names(source: ScriptSource, given: Collection[str]) -> tuple[str, ...]:
    """Names that a script reads and nobody sets, in the order of its text."""
    return tuple(name for name in source.names if name not in given and name not in LAUNCHER_NAMES)


def check_metrics(source: ScriptSource, metrics: Iterable[str]) -> list[str]:
    """A line for each metric whose line is not among those with scores that the script's text shows, if it shows any.

    The text need not show all: a script may make up the name of a line. So this is a warning.
    """
    from jobs.logs.metric import named_line  # it loads pyarrow

    shown = [line.name for line in source.metrics]
    warnings = []
    for metric in dict.fromkeys(metrics):
        name = named_line(metric)
        if name is None or not shown or _without_exact(name) in map(_without_exact, shown):
            continue
        near = difflib.get_close_matches(name, shown, 1, 0.6)
        meant = f"did you mean {near[0]}?" if near else f"it shows {', '.join(shown[:_MOST_METRICS])}"
        warnings.append(f'its text shows no line "{name}" with a score, the metric of this sweep; {meant}')
    return warnings


def _without_exact(name: str) -> str:
    return re.sub(r"_exact\b", "", name)


def _advice(source: ScriptSource, name: str) -> str:
    upper = {known.upper(): known for known in source.names}
    near = difflib.get_close_matches(name[:_MOST_SHOWN].upper(), upper, 1, 0.6)
    meant = f"did you mean {upper[near[0]]}?" if near else "expected a name of its source."
    return f"{meant} To set it all the same, list it in script.unread"
