"""Parts that several documents have."""

from docs.generate.schemas.kinds import (
    ANY,
    NOTHING,
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

TRACK = one_of("legal", "unverified", "flagged")
VERDICT = one_of("better", "worse", "undecided", "not comparable", "flagged")
RATES = {"rate": NUMBER, "peak": NUMBER, "unit": TEXT, "peak_of": TEXT, "share_of_peak": NUMBER}
FINDINGS = array(document({"code": TEXT, "detail": TEXT}))
PAIR = array(NUMBER)
NEXT_STEP = document({"sentence": TEXT, "command": maybe(TEXT)})
RULE = document({
    "test": TEXT, "statistic": maybe(NUMBER), "p_value": maybe(NUMBER), "threshold": NUMBER, "passed": maybe(YES_NO),
})  # fmt: skip
VALIDATION_SET = document({"data": TEXT, "documents": maybe(WHOLE), "tokens": maybe(WHOLE), "bytes": maybe(WHOLE)})
HEADROOM = table(document({"bytes": maybe(WHOLE), "train_seconds": maybe(NUMBER), "eval_seconds": maybe(NUMBER)}))
BYTES = document(
    {"model": maybe(WHOLE), "code": maybe(WHOLE), "total": maybe(WHOLE), "limit": maybe(WHOLE)},
    {"code_shipped": maybe(WHOLE), "code_source": maybe(WHOLE)},
)
TRIED = document(
    {"who": maybe(TEXT), "settings": WHOLE},
    {"day": maybe(TEXT), "sweep": TEXT, "runners": array(TEXT), "searched": WHOLE},
)
TRAININGS = document({"mean": NUMBER, "ci95": PAIR, "trained": WHOLE, "evaluated": WHOLE, "correlation": NUMBER})
_KINDS: dict[str, Schema] = {
    "name": TEXT, "track": TRACK, "rank": maybe(WHOLE), "val_bpb_ci95": maybe(PAIR), "seeds": table(maybe(NUMBER)),
    "bytes_total": maybe(WHOLE), "clocks": table(NUMBER), "bytes": maybe(BYTES), "findings": FINDINGS,
    "source": one_of("golfsweep", "import"), "contest": TEXT, "verdict": VERDICT, "headroom": maybe(HEADROOM),
    "validation_set": maybe(VALIDATION_SET), "tried_by": maybe(array(TRIED)), "mean_over_trainings": maybe(TRAININGS),
    "unchecked": array(TEXT), "order_unknown": maybe(array(TEXT)),
}  # fmt: skip
_WHOLE = (
    "steps", "audited_seeds", "trials", "difference_seeds", "tries", "confirmations", "seeds_to_settle",
    "seeds_to_settle_most", "seeds_to_record", "seeds_to_record_most",
)  # fmt: skip
_TEXTS = (
    "sweep", "date", "tokenizer", "machine", "author", "url", "verdict_test", "verdict_against", "incumbent",
    "settled_by",
)  # fmt: skip
_YES_NO = ("same_code", "same_settings", "written_rule", "precedent", "incumbent_too")


def column_schema(name: str) -> Schema:
    """A column of the leaderboard: a number unless it is listed above, null where it is unknown."""
    if name in _KINDS:
        return _KINDS[name]
    kinds = ((_WHOLE, WHOLE), (_TEXTS, TEXT), (_YES_NO, YES_NO))
    return maybe(next((kind for names, kind in kinds if name in names), NUMBER))


def _entry_fields() -> dict[str, Schema]:
    from sweeps.board.leaderboard import COLUMNS

    return {name: column_schema(name) for name in COLUMNS}


ENTRY_FIELDS = _entry_fields()
ENTRY = document(ENTRY_FIELDS)
CONTEST_ENTRY = document({
    "name": TEXT, "contest": TEXT, "track": TRACK, "rank": maybe(WHOLE), "metric": TEXT,
    "direction": one_of("lower", "higher"), "ranked_by": TEXT, "value": maybe(NUMBER), "mean": maybe(NUMBER),
    "std": maybe(NUMBER), "ci95": maybe(PAIR), "n": WHOLE, "step": maybe(WHOLE), "seconds": maybe(NUMBER),
    "rule": RULE, "improvement": maybe(RULE), "verdict": VERDICT, "verdict_test": maybe(TEXT),
    "p_paired_seeds": NOTHING, "verdict_against": maybe(TEXT),
    "runs": table(document({"score": NUMBER, "seconds": maybe(NUMBER), "gpu": maybe(TEXT)})),
    "machine": maybe(TEXT), "date": maybe(TEXT), "sweep": maybe(TEXT), "findings": FINDINGS,
    "source": one_of("golfsweep", "import"), "incumbent": maybe(TEXT), "difference": maybe(NUMBER),
    "runs_needed": maybe(WHOLE), "incumbent_too": YES_NO, "dollars_needed": maybe(NUMBER), "trials": maybe(WHOLE),
    "cost": maybe(NUMBER),
})  # fmt: skip
ENTRIES = array(either(ENTRY, CONTEST_ENTRY))
_CHANGE = {"name": TEXT, "sweep": maybe(TEXT), "track": TRACK, "date": maybe(TEXT), "over": maybe(TEXT)}
FRONTIER = array(
    either(
        document({
            **_CHANGE, "val_bpb_mean": NUMBER, "difference_mbpb": maybe(NUMBER), "difference_seeds": maybe(WHOLE),
            "difference_means_mbpb": maybe(NUMBER), "p_value": maybe(NUMBER),
        }),
        document({**_CHANGE, "machine": maybe(TEXT), "value": maybe(NUMBER), "improvement": maybe(RULE)}),
    )
)  # fmt: skip

STATES = ("queued", "running", "done", "failed", "cancelled")
JOB_COUNTS = document(dict.fromkeys(STATES, WHOLE))
SWEEP_STATE = one_of("running", "done", "failed", "stopped", "cancelled", "over budget", "queued", "paused")
DOLLARS = document({"spent": maybe(NUMBER), "budget": maybe(NUMBER)})
_PROCESS = {"name": TEXT, "host": TEXT, "pid": WHOLE, "cluster": TEXT, "heartbeat": NUMBER}
DRIVER = document({**_PROCESS, "sweep": TEXT, "since": NUMBER})
SCHEDULER = document({**_PROCESS, "slots": WHOLE, "widest": WHOLE})
RUNNING = document({
    "key": TEXT, "label": TEXT, "stage": TEXT, "seed": WHOLE, "row": maybe(TEXT), "trial": maybe(WHOLE),
    "fraction": NUMBER, "note": maybe(TEXT), "lost": YES_NO,
})  # fmt: skip
FAILED = document({
    "key": TEXT, "label": TEXT, "reason": maybe(TEXT), "explanation": maybe(TEXT), "log": array(TEXT),
})  # fmt: skip
SUBMISSION = document({
    "ticket": TEXT, "version": WHOLE, "state": one_of("queued", "taken", "by hand", "paused", "ended", "cancelled"),
    "reason": maybe(TEXT), "priority": WHOLE, "owner": TEXT, "agent": maybe(TEXT),
})  # fmt: skip
STATE = document({
    "name": TEXT, "state": SWEEP_STATE, "reason": maybe(TEXT), "owner": maybe(TEXT), "tags": array(TEXT),
    "driver": maybe(DRIVER), "scheduler": maybe(SCHEDULER),
    "gpu_hours": document({"spent": NUMBER, "reserved": NUMBER, "budget": maybe(NUMBER)}), "dollars": DOLLARS,
    "unit": TEXT, "submission": maybe(SUBMISSION),
    "deadline": maybe(NUMBER), "stages": table(JOB_COUNTS), "jobs": JOB_COUNTS, "running": array(RUNNING),
    "waiting": array(document({"key": TEXT, "label": TEXT, "reason": TEXT, "retried": YES_NO})),
    "failed": array(FAILED),
})  # fmt: skip
CERTIFICATE = document(
    {
        "passed": YES_NO, "judged": YES_NO, "length_effect": NUMBER,
        "findings": array(document({
            "condition": TEXT, "document": WHOLE, "position": WHOLE, "measured": NUMBER, "detail": TEXT,
        })),
        "probes": table(ANY),
    },
    {"overlap": array(ANY)},
)  # fmt: skip
LEFT_OUT = table(WHOLE)
KEYED = document({"key": TEXT, "label": TEXT})
