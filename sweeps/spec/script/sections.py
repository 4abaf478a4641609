"""The tables of [script] as pydantic models, and the script's stages among them."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat
from pydantic_core import PydanticCustomError

from golf.errors import InputError, shown
from jobs.scripts.environment import OWN_PREFIXES
from jobs.scripts.run import Launch
from sweeps.spec.checks.problems import Problems
from sweeps.spec.sections import FilePath, Section, read_section
from sweeps.spec.settings import suggest

MOST_STAGES, MOST_FILES, MOST_GPUS = 50, 200, 1024
STAGE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
SCORER = re.compile(r"[^/:]+\.py:[A-Za-z_]\w*")
RESERVED_ROLES = (
    "attached", "bpb_per_nat", "bytes", "clocks", "code", "document_scores", "document_totals", "failed_after", "log",
    "metric", "metrics", "notes", "runtime", "scores", "sizes", "total",
)  # fmt: skip
"""Outputs that every stage may leave beside those of its file, and sizes that a run has beside those of its outputs."""
Seconds = Annotated[FiniteFloat, Field(gt=0, le=1e7)]
Texts = Annotated[tuple[str, ...], Field(max_length=MOST_FILES)]
Gpus = Annotated[int, Field(ge=1, le=MOST_GPUS)]


def _file_name(name: str) -> str:
    """A file of the folder in which a script runs."""
    parts = name.split("/")
    if not name or name.startswith("/") or not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise PydanticCustomError("bad_file", "not a file of the script's folder; expected a name such as model.pt")
    return name


def _role(name: str) -> str:
    if not ROLE.fullmatch(name) or name in RESERVED_ROLES:
        rule = f"not a role; expected letters, digits, '_' and '-', and none of {', '.join(RESERVED_ROLES)}"
        raise PydanticCustomError("bad_role", "{rule}", {"rule": rule})
    return name


def _scorer(text: str) -> str:
    if not SCORER.fullmatch(text):
        raise PydanticCustomError("bad_scorer", "expected FILE.py:FUNCTION, e.g. my_scorer.py:score")
    return text


def _metric(text: str) -> str:
    from jobs.logs.metric import check_metric

    try:
        check_metric(text)
    except InputError as error:
        raise PydanticCustomError("bad_metric", "{reason}", {"reason": "; ".join(error.problems)}) from None
    return text


def _passed(name: str) -> str:
    if name.startswith(OWN_PREFIXES):
        names = " or ".join(f"{prefix}…" for prefix in OWN_PREFIXES)
        rule = f"a variable of golfsweep's own or its cluster's; none named {names} reaches a script"
        raise PydanticCustomError("bad_variable", "{rule}", {"rule": rule})
    return name


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class ScriptSection(Section):
    """The script, how it is started, and what all its stages share."""

    file: FilePath
    """The script. It runs under its own name. Paths are relative to where the command runs."""
    files: Annotated[tuple[FilePath, ...], Field(max_length=MOST_FILES)] = ()
    """Files that lie beside it: what it imports or reads."""
    python: FilePath | None = None
    """The interpreter that runs it; by default the one that runs golfsweep."""
    setup: Texts = ()
    """Shell commands that run once on each node before the first stage."""
    needs: Texts = ()
    """Modules, and programs as `"bin:NAME"`, without which it is not started."""
    passed: Annotated[tuple[Annotated[str, AfterValidator(_passed)], ...], Field(max_length=MOST_FILES)] = Field(
        default=(), alias="pass"
    )
    """Names of the node's own variables that reach it."""
    unread: Texts = ()
    """Variables that are set although the script does not read them, which is an error otherwise."""
    launch: Launch = "torchrun"
    """`"torchrun"`: one process a GPU. `"python"`: one process."""
    args: Texts = ()
    """Arguments of its command line."""
    patch: FilePath | None = None
    """A diff that is applied first; an arm may name another in its place. What is run is known by the digest after it.
    """
    score: Annotated[str, AfterValidator(_scorer)] | None = None
    """The function that an audit judges, as `"FILE.py:FUNCTION"`, with a file of the script's. Only with it can an
    entry be `legal`; see [scripts.md](scripts.md#a-score-that-can-be-audited).
    """
    env: dict[str, Any] = Field(default_factory=dict)
    """Environment of all stages: text, numbers, `true` (1) and `false` (0)."""


class StageSection(Section):
    """One stage."""

    sources: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(default=(), alias="from")
    """The stage, or stages, that this one comes from. It has their environment unless it overrides it; where they
    differ, that of the first.
    """
    keep: Texts = ()
    """Roles of earlier outputs that are there under their own names, whatever the script writes over them."""
    gpus: Gpus = 1
    """Slots of one node."""
    max_seconds: Seconds | None = None
    """Seconds after which the run is stopped and counts as failed."""
    silent_seconds: Seconds | None = None
    """Seconds without any output after which it is ended; by default an hour."""
    out: dict[Annotated[str, AfterValidator(_role)], Annotated[str, AfterValidator(_file_name)]] = Field(
        default_factory=dict
    )
    """Its outputs: role → file. The role `artifact` is what a submission consists of, beside the code."""
    env: dict[str, Any] = Field(default_factory=dict)
    """Environment of this stage and of those that come from it."""
    metric: Annotated[str, AfterValidator(_metric)] | None = None
    """The score: the name of a known line such as `"final_ttt_exact"`, which gives bits per byte, or a regular
    expression with one group around them.
    """
    limit_bytes: Annotated[int, Field(ge=0)] | None = None
    """Most bytes of artifact and code, by default 16,000,000; 0: not judged. A trial with more is infeasible, an entry
    is flagged.
    """


class ProxySection(Section):
    """What makes a stage's trials cheaper."""

    gpus: Gpus | None = None
    """Slots of each stage in trials."""
    env: dict[str, Any] = Field(default_factory=dict)
    """Environment on top of that of trials."""


FIXED = tuple(field.alias or name for name, field in ScriptSection.model_fields.items())
"""Keys of [script] that are no stages."""
STAGE_KEYS = tuple(field.alias or name for name, field in StageSection.model_fields.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptTables:
    """[script] and [search.proxy], each table checked by itself."""

    script: ScriptSection
    stages: Mapping[str, StageSection]
    """By name, in the file's order."""
    proxy: ProxySection | None
    stage_proxies: Mapping[str, ProxySection]


def read_tables(script: Mapping[str, Any], proxy: Mapping[str, Any] | None, where: str) -> ScriptTables:
    """Check the tables of a script.

    Raises:
        InputError: a problem for each key that is unknown or missing, and for each value of the wrong type.
    """
    problems = Problems()
    stages: dict[str, Any] = {}
    fixed = {name: value for name, value in script.items() if name in FIXED}
    for name, value in script.items():
        if name not in FIXED:
            problems.attempt(_check_stage_name, name, value, where)
            stages[name] = value
    section = problems.attempt(read_section, ScriptSection, json.dumps(fixed), where, "script.", ())
    read = {
        name: problems.attempt(read_section, StageSection, json.dumps(value), where, f"script.{name}.", ())
        for name, value in stages.items()
        if isinstance(value, Mapping)
    }
    if not stages:
        problems.add([f"{where}: script: no stage; add one, such as [script.train]"])
    if len(stages) > MOST_STAGES:
        problems.add([f"{where}: script: {len(stages)} stages; expected at most {MOST_STAGES}"])
    of_stages = {name: value for name, value in (proxy or {}).items() if name in stages}
    rest = {name: value for name, value in (proxy or {}).items() if name not in stages}
    own = None if proxy is None else problems.attempt(
        read_section, ProxySection, json.dumps(rest), where, "search.proxy.", ()
    )  # fmt: skip
    proxies = {
        name: problems.attempt(read_section, ProxySection, json.dumps(value), where, f"search.proxy.{name}.", ())
        for name, value in of_stages.items()
    }
    problems.check()
    assert section is not None
    return ScriptTables(
        script=section,
        stages={name: stage for name, stage in read.items() if stage is not None},
        proxy=own,
        stage_proxies={name: stage for name, stage in proxies.items() if stage is not None},
    )


def _check_stage_name(name: str, value: Any, where: str) -> None:
    """Make sure that a key of [script] can be a stage.

    Raises:
        InputError: it is a misspelled key, or no name.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: script.{name}: unknown key; {suggest(name, FIXED)}")
    are_variables = bool(value) and all(key.isupper() for key in value)
    if (are_variables or difflib.get_close_matches(name, ["env"], 1, 0.6)) and not set(value) & set(STAGE_KEYS):
        raise InputError(f"{where}: script.{name}: unknown key; did you mean env?")
    if not STAGE_NAME.fullmatch(name):
        rule = "expected a lower-case letter, then letters, digits, '_' and '-', at most 32 characters"
        raise InputError(f"{where}: script.{shown(name)}: not a name for a stage; {rule}")
