"""Practices of evaluation that decide whether a score is legal, as the lines of a log name them.

A log that names a practice does not prove that its final score comes from it; that is for a judgment to say. Settings
that are switched off are not evidence, and neither is the script's own source, which many logs begin with.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Practice = Literal["slot", "second pass", "training before quantization", "training before scoring"]

MOST_CHARACTERS = 120
"""Of a line that is kept as evidence."""
_FLAGS = re.IGNORECASE | re.ASCII
_ON = r"[:=] ?(?:1|true)\b"
_OFF = re.compile(
    r"^\s*\w*(?P<name>slot|two_?pass|full_rescore|pre_?quant_ttt)(?:_enabled)?[:=] ?(?:0|false)\b",
    _FLAGS,
)
_PRACTICES: tuple[tuple[Practice, re.Pattern[str]], ...] = (
    (
        "slot",
        re.compile(
            rf"^\s*(?!no_)(?:\w+_)?slot(?:(?:_enabled)?{_ON}|(?:_\w{{1,20}})?:(?: ?\w+[:= ]){{2}})",
            _FLAGS,
        ),
    ),
    (
        "second pass",
        re.compile(
            rf"^\s*\w*(?:two_?pass|2pass|full_rescore)\w*{_ON}"
            r"|^(?!.{0,60}pass ?1\b)[\w\[\] .-]{0,40}?(?:two[ _-]?pass|second pass|pass ?[_-]?2|rescor(?:e|ed|ing))\b"
            r".{0,120}?(?:bpb|done)\b",
            _FLAGS,
        ),
    ),
    (
        "training before quantization",
        re.compile(
            r"^\W{0,3}(?:pre[-_ ]?q(?:uant)?[-_ ]?ttt|ttt[-_ ]pre[-_ ]?quant)\b.{0,60}?\bepoch"
            r"|^\W{0,3}post[-_ ]pre-?quant[-_ ]ttt\b.{0,60}?\bval_bpb",
            _FLAGS,
        ),
    ),
    (
        "training before scoring",
        re.compile(r"^\w{0,12}ttt(?:_\w{1,20})?[: _]+epoch[: ]? ?\d{1,4}/\d{1,4}\b.{0,80}?\bloss", _FLAGS),
    ),
)
_KEYWORDS: dict[str, Practice] = {
    "slot": "slot",
    "twopass": "second pass",
    "fullrescore": "second pass",
    "prequantttt": "training before quantization",
}
_FIRST_EPOCH = re.compile(r"epoch[: ]? ?1/(\d{1,4})\b", _FLAGS)
_EPOCHS = re.compile(r"^(?=.*(?:ttt_lora|eval_mode:\w*ttt)).*?\b(?:ttt_)?epochs?[:=] ?(\d{1,4})\b", _FLAGS)
_COUNTED = re.compile(r"epochs?[:= ] ?(?:\d{1,4}/)?(\d{1,4})\b", _FLAGS)
_SOURCE = re.compile(
    r"^(?:import [\w.]+(?: as \w+)?(?:, ?[\w.]+(?: as \w+)?)*\s*(?:#.*)?$|from \w[\w.]* import [\w(*]"
    r"|#!|\"\"\"|def \w+\(|class \w+[(:])"
)
_RULER = re.compile(r"^={20,}\s*$")


@dataclass(kw_only=True, slots=True)
class Practices:
    """The practices that one log names."""

    lines: dict[Practice, str] = field(default_factory=dict)
    """Practice → the first line that names it."""
    scores_before: dict[Practice, int] = field(default_factory=dict)
    """Practice → how many scores the log had printed before the first line that names it."""
    epochs: dict[Practice, int] = field(default_factory=dict)
    """Practice → the most epochs that its lines count."""
    document_epochs: int = 1
    """Epochs of test-time training on each document, whether before or after its score."""
    whole_set_passes: int = 0
    """How often epochs of training were counted from 1: once for training on the whole set, many times on chunks."""
    switched_off: set[Practice] = field(default_factory=set)
    in_source: bool = False
    """Whether the reader is inside the script's source, which ends with a ruler of equals signs."""

    def read(self, line: str, scores: int) -> None:
        """Take in the next line, before which the log has printed this many scores."""
        if _RULER.match(line):
            self.in_source = False
        elif _SOURCE.match(line):
            self.in_source = True
        if self.in_source:
            return
        if match := _OFF.match(line):
            self.switched_off.add(_KEYWORDS[match["name"].lower().replace("_", "")])
            return
        for practice, pattern in _PRACTICES:
            if pattern.search(line):
                self.scores_before.setdefault(practice, scores)
                self._keep(practice, line)
                break  # the first that fits says most
        if match := _EPOCHS.match(line):
            self.document_epochs = max(self.document_epochs, int(match[1]))

    def named(self, practice: Practice) -> str | None:
        """The line that names a practice; None where none does, or where it is switched off."""
        if practice in self.switched_off:
            return None
        if practice == "training before scoring" and self.whole_set_passes != 1:
            return None
        return self.lines.get(practice)

    def _keep(self, practice: Practice, line: str) -> None:
        self.lines.setdefault(practice, " ".join(line.split())[:MOST_CHARACTERS])
        if match := _COUNTED.search(line):
            self.epochs[practice] = max(self.epochs.get(practice, 1), int(match[1]))
        if practice == "training before scoring" and _FIRST_EPOCH.search(line):
            self.whole_set_passes += 1


def merge_practices(parts: Iterable[tuple[Practices, int]]) -> Practices:
    """The practices of one run that was logged in several files, each with its number of scores."""
    merged, before = Practices(), 0
    for part, scores in parts:
        merged.scores_before = {name: before + n for name, n in part.scores_before.items()} | merged.scores_before
        before += scores
        merged.lines = part.lines | merged.lines
        merged.epochs = part.epochs | merged.epochs
        merged.document_epochs = max(merged.document_epochs, part.document_epochs)
        merged.whole_set_passes += part.whole_set_passes
        merged.switched_off |= part.switched_off
    return merged
