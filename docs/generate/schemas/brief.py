"""The documents that agents read: those of next and wait, and those of --brief."""

from collections.abc import Mapping

from docs.generate.schemas.kinds import (
    ANY,
    NUMBER,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    array,
    document,
    either,
    maybe,
    one_of,
    table,
)
from docs.generate.schemas.parts import DOLLARS, LEFT_OUT, NEXT_STEP, PAIR, SWEEP_STATE, TRACK, VERDICT

NOTES = array(TEXT)
_STEP = document({
    "sentence": TEXT, "command": maybe(TEXT), "seeds": maybe(WHOLE), "seeds_most": maybe(WHOLE),
    "dollars": maybe(NUMBER), "dollars_most": maybe(NUMBER),
})  # fmt: skip
_DECISION = one_of("keep", "replicate", "discard")
NEXT = document({
    "schema_version": WHOLE, "sweep": TEXT, "state": SWEEP_STATE, "decision": maybe(_DECISION), "entry": maybe(TEXT),
    "against": maybe(TEXT), "why": maybe(TEXT), "gain_mbpb": maybe(NUMBER), "p": maybe(NUMBER),
    "p_tries": maybe(NUMBER), "tries": maybe(WHOLE),
    "tried_by": maybe(array(document({"who": maybe(TEXT), "sweep": TEXT, "settings": WHOLE}))),
    "challenge": maybe(document({
        "sweep": TEXT, "against": TEXT, "seeds": WHOLE,
        "outcome": {"enum": ["stands", "falls", "undecided", "flagged", None]},
    })),
    "next": _STEP, "best": maybe(document({"entry": TEXT, "role": one_of("kept", "baseline"), "value": NUMBER})),
    "counts": document(dict.fromkeys(("keep", "replicate", "discard"), WHOLE)),
    "candidates": array(document({
        "entry": TEXT, "decision": _DECISION, "gain_mbpb": maybe(NUMBER), "p_tries": maybe(NUMBER), "why": TEXT,
    })),
    "left_out": LEFT_OUT,
})  # fmt: skip
_BRIEF_STATE = {
    "name": TEXT, "state": SWEEP_STATE, "reason": maybe(TEXT), "driver": maybe(document({"host": TEXT, "pid": WHOLE})),
    "gpu_hours": DOLLARS, "dollars": DOLLARS, "jobs": table(WHOLE), "stages": table(table(WHOLE)),
    "running": array(table(ANY)), "waiting": array(table(ANY)), "failed": array(table(ANY)), "next": maybe(TEXT),
    "left_out": LEFT_OUT,
}  # fmt: skip
_ENDING = {"over": YES_NO, "waited_seconds": NUMBER, "log": maybe(TEXT), "log_end": array(TEXT), "code": WHOLE}
WAIT = either(
    document({**_BRIEF_STATE, **_ENDING}),
    document({
        "name": TEXT, "state": one_of("starting", "failed"), "reason": maybe(TEXT), "left_out": LEFT_OUT, **_ENDING,
    }),
)  # fmt: skip

_BRIEF_STANDING = document({
    "name": TEXT, "sweep": maybe(TEXT), "track": TRACK, "value": maybe(NUMBER), "mean": maybe(NUMBER),
    "std": maybe(NUMBER), "n": WHOLE,
})  # fmt: skip
_BRIEF_SIDE = document({
    "name": TEXT, "sweep": maybe(TEXT), "val_bpb_mean": NUMBER, "val_bpb_std": maybe(NUMBER), "n": WHOLE,
})  # fmt: skip
_MORE = maybe(document({"more": WHOLE, "dollars": maybe(NUMBER)}))

BRIEF: Mapping[str, Schema] = {
    "plan": document({
        "name": TEXT, "nodes": WHOLE, "slots": WHOLE, "gpu_hours": maybe(NUMBER), "seconds": maybe(NUMBER),
        "dollars": maybe(NUMBER), "range": document(dict.fromkeys(("gpu_hours", "seconds", "dollars"), maybe(PAIR))),
        "device": TEXT, "unknown": array(TEXT), "complete": YES_NO,
        "stages": table(document({"jobs": WHOLE, "done": WHOLE, "slot_hours": maybe(NUMBER)})),
        "refused_jobs": WHOLE, "assumed": array(TEXT), "left_out": LEFT_OUT,
    }),
    "status": either(
        document(_BRIEF_STATE),
        document({
            "sweeps": array(document({"name": TEXT, "state": SWEEP_STATE, "jobs": table(WHOLE)})),
            "left_out": LEFT_OUT,
        }),
    ),
    "leaderboard": document({
        "schema_version": WHOLE, "entries": WHOLE, "flagged": array(TEXT), "rows": array(table(ANY)), "notes": NOTES,
        "left_out": LEFT_OUT,
    }),
    "compare": either(
        document({
            "challenger": _BRIEF_SIDE, "incumbent": _BRIEF_SIDE, "track": TRACK, "difference_mbpb": NUMBER,
            "verdicts": table(document({"passed": maybe(YES_NO), "level": NUMBER}, {"p_value": maybe(NUMBER)})),
            "more_seeds": table(maybe(document({"least": _MORE, "most": _MORE}))), "next": NEXT_STEP,
            "settings": array(document({"setting": TEXT, "challenger": ANY, "incumbent": ANY})), "notes": NOTES,
            "left_out": LEFT_OUT,
        }),
        document({
            "contest": TEXT, "difference": table(maybe(NUMBER)), "verdict": VERDICT, "test": ANY,
            "challenger": _BRIEF_STANDING, "incumbent": _BRIEF_STANDING, "left_out": LEFT_OUT,
        }),
    ),
}  # fmt: skip
"""Command → what it prints with --brief."""
