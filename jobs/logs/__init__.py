"""Logs of training scripts: what their lines say about a run, be it complete or going on.

`parse` reads a log that is complete, `jobs.logs.live.LiveLog` one that grows; both read lines in the same way.

The format changed over the challenge. This grammar covers all versions:

    METRIC val_loss:1.98 val_bpb:1.18 …     a score; METRIC names how it was measured ("_exact" prints more digits)
    METRIC_val_loss:1.98 METRIC_val_bpb:1.18, final_METRIC val_bpb:1.18     the same in other scripts
    METRIC … other_bpb:0.91                 a score under a name of its own, which counts only if a record claims it
    FINAL val_bpb: 1.18, eval:NAME bpb:1.18  a score without a loss
    step:7/20000 … train_time:1234ms        a step of training (later "7/20000 …"; the last one "stopping_early: …")
    Serialized model CODEC: 123 bytes       the model as shipped; without CODEC the raw weights, which are not shipped
    serialized_model_CODEC:123 bytes        the same in other scripts
    Code size: 123 bytes                    the code; later twice, "(uncompressed)" and "(compressed)"
    Total submission size CODEC: 123 bytes  both; "budget:123/16000000" in other scripts
    seed:7, seed: 7, seed=7                 in a dump of settings

A line may start with epoch seconds ("1776142348.135 "), a time of day ("[12:00:01] "), a logger's date and level
("[2026-04-01 12:00:01] INFO: ") or a process ("[rank0]:") and contain colors. A carriage return, which progress bars
print, starts a new line; where processes share a pipe, a line may begin within another. Many logs begin with the
script's own source, up to a ruler of equals signs or the first step: nothing in it is a result. Lines are untrusted:
those that do not match are ignored, and so are numbers that are not finite or out of range.
"""

from jobs.logs.log import SCORE_STAGES, Log, Score, ScoreStage, merge_logs
from jobs.logs.numbers import agree, cut, decimals
from jobs.logs.parsing import parse
from jobs.logs.practices import Practice
from jobs.logs.score_lines import stage_of

__all__ = [
    "SCORE_STAGES",
    "Log",
    "Practice",
    "Score",
    "ScoreStage",
    "agree",
    "cut",
    "decimals",
    "merge_logs",
    "parse",
    "stage_of",
]
