"""The documents of every command that has --json, and that of an error."""

from collections.abc import Mapping

from docs.generate.schemas.brief import NEXT, WAIT
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
from docs.generate.schemas.parts import (
    CERTIFICATE,
    CONTEST_ENTRY,
    ENTRIES,
    ENTRY,
    ENTRY_FIELDS,
    FRONTIER,
    JOB_COUNTS,
    KEYED,
    NEXT_STEP,
    PAIR,
    RATES,
    RULE,
    STATE,
    SWEEP_STATE,
    TRACK,
    VERDICT,
)

ERROR: Schema = document({"error": TEXT, "hint": TEXT, "code": WHOLE})
NOTES = array(TEXT)
_MACHINE = {"device": TEXT, "dtype": TEXT, "torch": TEXT, "threads": WHOLE}
_RUN = document(
    {
        "sweep": TEXT, "state": SWEEP_STATE, "reason": maybe(TEXT), "owner": maybe(TEXT), "tags": array(TEXT),
        "counts": JOB_COUNTS, "failures": array(document({"key": TEXT, "label": TEXT, "reason": maybe(TEXT)})),
        "rows": ENTRIES, "frontier": FRONTIER, "report": maybe(TEXT), "resume": TEXT, "code": WHOLE,
    },
    {"notes": NOTES},
)  # fmt: skip
_TICKET = document({"ticket": TEXT, "sweep": TEXT, "pid": WHOLE, "host": TEXT, "log": TEXT, "wait": TEXT})
_SUBMITTED = document({"ticket": TEXT, "sweep": TEXT, "version": WHOLE, "state": TEXT, "server": TEXT, "wait": TEXT})
_PLAN = document(
    {
        "name": TEXT, "nodes": WHOLE, "slots": WHOLE,
        "stages": table(document({
            "jobs": WHOLE, "up_to": YES_NO, "done": WHOLE, "slot_seconds_each": maybe(NUMBER), "source": maybe(TEXT),
            "slot_hours": maybe(NUMBER),
        })),
        "gpu_hours": maybe(NUMBER), "seconds": maybe(NUMBER), "dollars": maybe(NUMBER),
        "range": document(dict.fromkeys(("gpu_hours", "seconds", "dollars"), maybe(PAIR))),
        "basis": table(maybe(NUMBER)), "device": TEXT,
        "data": document({"tokens": TEXT}, {"validation_documents": WHOLE, "tuning_documents": WHOLE}),
        "assumed": array(TEXT), "utilization": maybe(NUMBER), "idle_share": maybe(NUMBER), "unknown": array(TEXT),
        "seed_mix": maybe(document({
            "train_seconds": NUMBER, "evaluate_seconds": NUMBER, "correlation": NUMBER,
            "trained_per_evaluated": NUMBER, "cost_share": NUMBER,
        })),
        "complete": YES_NO,
        "jobs": array(document({
            "key": TEXT, "stage": TEXT, "label": TEXT, "slots": WHOLE, "state": one_of("reused", "refused", "new"),
            "why": TEXT, "nearest": maybe(TEXT), "differs": array(TEXT), "seconds": maybe(NUMBER),
            "source": maybe(TEXT), "node": maybe(TEXT), "on": maybe(array(WHOLE)), "start": maybe(NUMBER),
            "end": maybe(NUMBER),
        })),
    },
    {"unset": table(maybe(TEXT))},
)  # fmt: skip
_SIDE = document({
    "name": TEXT, "known_as": TEXT, "sweep": maybe(TEXT), "val_bpb_mean": NUMBER, "val_bpb_std": maybe(NUMBER),
    "n": WHOLE, "seeds": table(maybe(NUMBER)),
})  # fmt: skip
_VERDICT = document(
    {
        "margin_nats": NUMBER, "level": NUMBER, "p_value": maybe(NUMBER), "passed": maybe(YES_NO),
        "anytime": maybe(document({"level": NUMBER, "passed": YES_NO})),
    },
    {"margin_bpb": NUMBER, "test": TEXT, "why": TEXT},
)  # fmt: skip
_SEED_PLAN = document({
    "more": WHOLE, "seeds": WHOLE, "level": NUMBER, "power": NUMBER, "dollars": maybe(NUMBER),
})  # fmt: skip
_COMPARE = document({
    "challenger": _SIDE, "incumbent": _SIDE, "track": TRACK,
    "difference": document({
        "bpb": NUMBER, "mbpb": NUMBER, "nats_per_token": maybe(NUMBER), "tokenizer": maybe(TEXT),
        "margin_bpb": maybe(NUMBER),
    }),
    "tests": table(table(ANY)), "verdicts": table(_VERDICT),
    "plans": table(maybe(document({
        "least": maybe(_SEED_PLAN), "most": maybe(_SEED_PLAN), "incumbent_too": YES_NO,
    }))),
    "not_used": ANY, "settings": array(document({"setting": TEXT, "challenger": ANY, "incumbent": ANY})),
    "next": NEXT_STEP, "report": maybe(TEXT), "notes": NOTES,
})  # fmt: skip
_CONTEST_COMPARE = document({
    "contest": TEXT, "challenger": CONTEST_ENTRY, "incumbent": CONTEST_ENTRY, "difference": table(maybe(NUMBER)),
    "verdict": VERDICT,
    "test": maybe(document({**RULE["properties"], "p_two_sided": maybe(NUMBER)})), "next": NEXT_STEP,
    "report": maybe(TEXT),
})  # fmt: skip
_TOKEN = {
    "id": TEXT, "scope": one_of("read", "submit", "admin"), "owner": TEXT, "created": TEXT, "expires": maybe(TEXT),
    "revoked": maybe(TEXT), "used": maybe(TEXT), "state": TEXT,
}  # fmt: skip
_SHARE = {
    "id": TEXT, "sweep": TEXT, "entry": maybe(TEXT), "owner": TEXT, "created": TEXT, "expires": TEXT,
    "revoked": maybe(TEXT), "used": maybe(TEXT), "state": TEXT,
}  # fmt: skip
_WEBHOOK = {
    "id": TEXT, "form": one_of("discord", "slack", "generic"), "host": TEXT, "ending": TEXT, "kinds": array(TEXT),
    "owner": TEXT, "created": TEXT, "delivered": WHOLE, "given_up": WHOLE, "waiting": WHOLE, "failures": WHOLE,
    "next_try": maybe(TEXT), "error": maybe(TEXT), "last_sent": maybe(TEXT), "state": TEXT,
}  # fmt: skip
_JOB = document(
    {
        "schema_version": WHOLE, "key": TEXT, "label": TEXT, "stage": TEXT, "state": TEXT, "reason": maybe(TEXT),
        "explanation": maybe(TEXT), "seed": WHOLE, "settings": table(ANY), "inputs": table(ANY),
        "machine": table(ANY), "outputs": maybe(table(ANY)), "seconds": maybe(NUMBER), "attempts": array(table(ANY)),
        "lost": array(TEXT),
    },
    {"certificate": CERTIFICATE, "sweep": maybe(TEXT), "needed_by": ANY},
)  # fmt: skip
_SHOWN_SWEEP = document({
    "schema_version": WHOLE, "name": TEXT, "state": SWEEP_STATE, "reason": maybe(TEXT), "gpu_hours": NUMBER,
    "unit": TEXT, "file": table(ANY),
    "jobs": array(document({"key": TEXT, "label": TEXT, "state": TEXT, "reason": maybe(TEXT)})),
})  # fmt: skip
_EVIDENCE = {
    "jobs": array(KEYED), "evidence": table(ANY), "updated": NUMBER, "seed_audits": table(ANY),
    "mismatches": array(TEXT), "lost": array(TEXT),
}  # fmt: skip
_SHOWN_ENTRY = document({"schema_version": WHOLE, **ENTRY_FIELDS, **_EVIDENCE}, {"certificate": CERTIFICATE})
_SHOWN_CONTEST_ENTRY = {
    "type": "object", "required": ["schema_version", "contest", "name"],
    "properties": {"schema_version": WHOLE, **CONTEST_ENTRY["properties"]},
}  # fmt: skip
_FORMER_ENTRY = document(
    {"schema_version": WHOLE, "name": TEXT, "sweep": TEXT}, {"superseded": TEXT, "withdrawn": TEXT}
)
_BENCHED = {"attention": TEXT, **RATES}
_SUPERSEDED = document({"sweep": TEXT, "rows": array(TEXT), "arithmetic": table(ANY)})

DOCUMENTS: Mapping[str, Schema] = {
    "demo": _RUN,
    "init": document(
        {"file": TEXT, "script": maybe(TEXT)}, {"names": array(TEXT), "unread": array(TEXT)}
    ),
    "run": either(_RUN, _TICKET, _SUBMITTED),
    "plan": _PLAN,
    "submit": document({"job": TEXT, "command": TEXT, "address": TEXT, "follow": TEXT}),
    "cancel": document({
        "sweep": TEXT, "cancelled": array(TEXT), "running": array(TEXT), "waiting": array(TEXT),
        "finished": table(TEXT), "continuing": array(document({"key": TEXT, "reason": TEXT})), "ended": YES_NO,
        "message": TEXT,
    }),
    "retry": document({"sweep": TEXT, "queued": array(KEYED), "reported": array(KEYED), "running": YES_NO}),
    "attach": {
        "type": "object", "required": ["sweep", "key", "label", "scores"],
        "properties": {"sweep": TEXT, "key": TEXT, "label": TEXT, "scores": ANY},
    },
    "ls": document({"sweeps": array(document({
        "name": TEXT, "state": SWEEP_STATE, "contest": TEXT, "owner": maybe(TEXT), "tags": array(TEXT),
        "entries": WHOLE, "best": maybe(document({"name": TEXT, "metric": TEXT, "value": NUMBER})),
        "created": NUMBER, "age_seconds": NUMBER, "gpu_hours": NUMBER, "dollars": maybe(NUMBER),
    }))}),
    "status": document({"sweeps": array(STATE)}),
    "watch": STATE,
    "logs": document({
        "key": TEXT, "label": TEXT, "state": TEXT, "reason": maybe(TEXT), "attempt": maybe(WHOLE), "whole": YES_NO,
        "lines": array(TEXT),
    }),
    "leaderboard": document({
        "schema_version": WHOLE, "rows": ENTRIES, "frontier": FRONTIER, "superseded": array(_SUPERSEDED),
        "notes": NOTES,
    }),
    "show": either(_JOB, _SHOWN_SWEEP, _SHOWN_ENTRY, _FORMER_ENTRY, _SHOWN_CONTEST_ENTRY),
    "open": document({"sweep": TEXT, "report": maybe(TEXT), "opened": YES_NO}),
    "compare": either(_COMPARE, _CONTEST_COMPARE),
    "challenge": document({
        "schema_version": WHOLE, "entry": TEXT, "against": TEXT, "sweep": TEXT, "state": maybe(SWEEP_STATE),
        "outcome": {"enum": ["stands", "falls", "undecided", None]}, "test": TEXT, "gain_mbpb": NUMBER,
        "margin_mbpb": NUMBER, "level": NUMBER, "seeds": array(WHOLE), "seeds_best": WHOLE, "seeds_most": WHOLE,
        "dollars_best": maybe(NUMBER), "dollars_most": maybe(NUMBER),
        "analyses": array(document({
            "seeds": WHOLE, "level": NUMBER, "difference_mbpb": maybe(NUMBER), "ci95_mbpb": maybe(PAIR),
            "p_stands": maybe(NUMBER), "p_falls": maybe(NUMBER), "outcome": {"enum": ["stands", "falls", None]},
        })),
        "code": WHOLE,
    }),
    "audit": CERTIFICATE,
    "prove": document(
        {
            "proved": YES_NO, "reason": TEXT, "name": TEXT, "protocol": TEXT, "seed": WHOLE, "documents": WHOLE,
            "tokens": WHOLE, "text_bytes": WHOLE, "compressed_bytes": WHOLE, "length_bytes": WHOLE,
            "header_bytes": WHOLE, "bpb": NUMBER, "claimed_bpb": maybe(NUMBER), "difference": maybe(NUMBER),
            "allowed_difference": maybe(NUMBER), "encode_seconds": NUMBER, "decode_seconds": NUMBER,
            "length_uses": array(ANY),
        },
        {"own_precision": document({
            "precision": TEXT, "bpb": NUMBER, "difference_bpb": NUMBER, "difference_nats": NUMBER,
        })},
    ),
    "check": either(
        document({
            "row": ENTRY, "protocol": maybe(TEXT), "metric": ANY, "logs": table(ANY), "bytes": table(maybe(WHOLE)),
            "statistics": maybe(table(maybe(table(ANY)))),
            "verdicts": table(document({"passes": YES_NO, "against": array(TEXT)})),
        }),
        document({"rows": array(CONTEST_ENTRY), "logs": table(ANY), "verdicts": table(table(ANY))}),
    ),
    "import": document({"rows": ENTRIES, "changed": array(TEXT)}),
    "package": document({"folder": TEXT, "files": array(TEXT), "submission": table(ANY)}),
    "export": document({"sweep": TEXT, "form": TEXT, "path": TEXT}),
    "token create": document({**_TOKEN, "token": TEXT}),
    "token list": document({"tokens": array(document(_TOKEN))}),
    "token revoke": document(_TOKEN),
    "webhook add": document({**_WEBHOOK, "secret": TEXT}),
    "webhook list": document({"webhooks": array(document(_WEBHOOK))}),
    "webhook remove": document(_WEBHOOK),
    "webhook test": document(_WEBHOOK),
    "share": document({"shares": array(document(_SHARE))}, {"link": TEXT}),
    "next": NEXT,
    "wait": WAIT,
    "doctor": {
        "type": "object", "required": ["good"],
        "properties": {
            "good": YES_NO,
            "checks": array(document({"name": TEXT, "good": YES_NO, "found": TEXT})),
            "nodes": array(table(ANY)),
        },
    },
    "selftest": document({
        "device": TEXT, "dtype": TEXT,
        "cases": array(document({
            "name": TEXT, "max_difference": NUMBER,
            "documents": array(document({"nll_per_token": NUMBER, "expected": NUMBER, "difference": NUMBER})),
        })),
    }, {"own_precision": ANY}),
    "bench train": document({
        **_MACHINE, **_BENCHED, "seconds_per_step": NUMBER, "first_step_seconds": NUMBER, "batch_tokens": WHOLE,
        "tokens_per_second": NUMBER,
    }),
    "bench eval": document({
        **_MACHINE, **_BENCHED, "seconds": NUMBER, "first_call_seconds": NUMBER, "documents": WHOLE, "tokens": WHOLE,
        "tokens_per_second": NUMBER,
    }),
    "bench artifact": document({
        **_MACHINE, **RATES, "weights": WHOLE, "codec": TEXT, "bits": WHOLE, "seconds": table(NUMBER),
        "model_bytes": WHOLE, "entropy_bytes": NUMBER, "above_entropy": NUMBER, "load_rate": NUMBER,
    }),
    "train": document({
        "weights": TEXT, "seed": WHOLE, "device": TEXT, "steps": WHOLE, "clocks": table(NUMBER), "resumed": YES_NO,
        "final_loss": NUMBER, "parameters": WHOLE, "averaged": maybe(TEXT), "attention": TEXT,
    }),
    "eval": document({
        "nll_per_token": NUMBER, "bpb": NUMBER, "tokens": WHOLE, "bytes": WHOLE, "documents": WHOLE,
        "seconds": NUMBER, "device": TEXT,
        "scores": array(document({"document": WHOLE, "nll": NUMBER, "tokens": WHOLE, "bytes": WHOLE})),
    }),
    "gc": document({
        "deleted": YES_NO, "count": WHOLE, "bytes": WHOLE,
        "reasons": array(document({"reason": TEXT, "count": WHOLE, "bytes": WHOLE})),
    }),
}  # fmt: skip
"""Command → what it prints with --json."""
