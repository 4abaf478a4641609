"""A participant's script as the program of a gang: it runs unchanged, in an empty folder, and what it leaves is judged."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.events import Failed, Finished
from jobs.scripts.run import ScriptRun
from jobs.program import GangEnd, Program
