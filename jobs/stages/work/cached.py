"""What a worker keeps from job to job, and how long loading it took."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """Something that a worker keeps from job to job."""

    content: T
    seconds: float
    """What loading it took."""
