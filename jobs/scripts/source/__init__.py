"""What the text of a participant's script says about it, without running any of it.

A wrapper that executes itself is unpacked and the text parsed (`text`), strings are followed to where they
come from (`values`). Then `names` finds environment variables, `facts` files written, arguments and imports, and
`metric_lines` lines with scores.
"""

from jobs.scripts.source.checking import check_metrics, check_names
from jobs.scripts.source.names import EnvironmentName
from jobs.scripts.source.reading import ScriptSource, read_source

__all__ = ["EnvironmentName", "ScriptSource", "check_metrics", "check_names", "read_source"]
