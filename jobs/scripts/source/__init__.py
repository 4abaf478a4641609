"""What the text of a participant's script says about it, without running any of it.

A wrapper that unpacks and executes itself is unpacked (`unwrap`), the text parsed (`parsing`), strings followed to where
they come from (`values`), and then asked for: names of environment variables (`names`), files written, arguments,
imports (`facts`), and lines with scores (`metric_lines`).
"""

from jobs.scripts.source.checking import check_names
from jobs.scripts.source.names import EnvironmentName
from jobs.scripts.source.reading import ScriptSource, read_source

__all__ = ["EnvironmentName", "ScriptSource", "check_names", "read_source"]
