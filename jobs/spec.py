"""What a job is: a frozen spec whose key is the digest of everything that changes its numbers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

REPLICATE = 0
"""Number of a repetition of the same run. It is in every key, so that runs can be repeated one day; nobody asks for
another than the first yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine class a number belongs to: what may change its last digits without changing the method."""

    device: str
    """Device model, e.g. "cuda NVIDIA H100 80GB HBM3" or "cpu AVX512"."""
    dtype: str
    torch: str
    """Major and minor version, e.g. "2.13"."""
    attention: str
    processes: int
    threads: int

    @property
    def slot_class(self) -> str:
        """What a single slot must be like to give this class's numbers: all but the number of processes, as JSON."""
        return _slot_class(self)

    def precision(self, setting: str) -> str:
        """The dtype that a setting of precision means here: its own, or with "auto" the machine's."""
        return self.dtype if setting == "auto" else setting

    def describe(self, precision: str) -> str:
        """One line for people: device, the dtype of a setting of precision, kernel and version."""
        return f"{self.device}, {self.precision(precision)}, attention {self.attention}, torch {self.torch}"


@lru_cache(maxsize=256)  # a scheduler asks for it of every waiting job at every look
def _slot_class(machine: Machine) -> str:
    fields = asdict(machine)
    del fields["processes"]
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One stage of one recipe and seed; two jobs of the same key give the same numbers."""

    stage: str
    """Name of its stage in the registry (`jobs.stages.registry`)."""
    settings: Mapping[str, Any]
    """Every setting of the stage that changes a number, resolved, as plain JSON."""
    inputs: Mapping[str, str]
    """Input name → SHA-256 of its content: tokens, tokenizer, weights, artifact."""
    seed: int
    machine: Machine
    arithmetic: int
    """Version of the stage's arithmetic."""
    _key: str = field(default="", init=False, repr=False, compare=False)
    """Remembered: a driver asks for it at every look."""

    def canonical(self) -> str:
        """JSON with sorted keys and no white space; equal for equal jobs."""
        fields = asdict(self)
        del fields["_key"]
        fields["kind"] = fields.pop("stage")  # as keys have always had it: they must outlive names in the code
        fields["replicate"] = REPLICATE
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def key(self) -> str:
        """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
        if not self._key:
            object.__setattr__(self, "_key", hashlib.sha256(self.canonical().encode()).hexdigest())
        return self._key

    @classmethod
    def from_json(cls, text: str) -> "Job":
        fields = json.loads(text)
        del fields["replicate"]
        stage, machine = fields.pop("kind"), Machine(**fields.pop("machine"))
        return cls(**fields, stage=stage, machine=machine)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A job, and what decides where and when it runs but changes no number."""

    job: Job
    sweep: str
    label: str
    """What a person calls it, made by its stage (`Stage.label`) for display only, e.g. "train seed 1337"."""
    slots: int = 1
    """Width of the gang, or workers that share the documents."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Input name → local path, for inputs that are not kept in the file store."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """How its stage runs it, as plain JSON: an interpreter, limits."""
    priority: int = 0
    """Of its sweep: it counts before everything else."""
    awaited: bool = True
    """Whether another job or trial waits for its result; of one sweep's jobs, such jobs come first."""
    entry: str | None = None
    """The leaderboard entry or trial that needs it; None where several do, or a whole search."""
    trial: int | None = None
    """Number of the trial that needs it, if one does."""
