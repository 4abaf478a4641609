"""What is known of a row beyond its score, in words: speed, headroom, where it stands, what it rests on."""

from collections.abc import Mapping
from typing import Any

from sweeps.board.verdicts import NAMES, STANDARDS
from sweeps.views.wording import dollars, seeds_text

Row = Mapping[str, Any]


def facts(row: Row) -> dict[str, str]:
    """Short texts by what they tell; what is not known is left out."""
    found = {
        "by stage": _stages(row),
        "speed": _speed(row),
        "left": _headroom(row),
        "to the record": _difference(row),
        "to settle it": _settle(row),
        "corrected": _corrected(row),
        "search": _search(row),
        "text": _text(row),
        "machine": row["machine"] or "",
        "seeds": _same(row),
        "by": " ".join(str(row[name]) for name in ("author", "url") if row[name]),
        "not checked": "; ".join(row["unchecked"] or ()),
    }
    return {name: text for name, text in found.items() if text}


def _stages(row: Row) -> str:
    """Bits per byte along the way."""
    steps = (("trained", "bpb_trained"), ("quantized", "bpb_quantized"), ("adapted", "bpb_adapted"))
    return " → ".join(f"{row[name]:.4f} {stage}" for stage, name in steps if row[name] is not None)


def _speed(row: Row) -> str:
    if row["steps"] is None:
        return ""
    pace = "" if row["ms_per_step"] is None else f" at {row['ms_per_step']:.1f} ms"
    return f"{row['steps']:,} steps{pace}"


def _headroom(row: Row) -> str:
    """What the worst seed leaves under each profile."""
    parts = []
    for profile, left in (row["headroom"] or {}).items():
        known = [(stage, left[f"{stage}_seconds"]) for stage in ("train", "eval")]
        times = [f"{seconds:.1f} s {stage}" for stage, seconds in known if seconds is not None]
        size = f"{left['bytes']:,} bytes"
        parts.append(f"{profile}: {', '.join([size, *times])}")
    return "; ".join(parts)


def _difference(row: Row) -> str:
    if row["difference_mbpb"] is None:
        return ""
    nats = "" if row["difference_nats"] is None else f", {row['difference_nats']:+.4f} nats/token ({row['tokenizer']})"
    n = row["difference_seeds"]
    paired = f"paired on {n} seed{'' if n == 1 else 's'}" if n else "no seed in common"
    return f"{row['difference_mbpb']:+.2f} mBPB{nats} to {row['incumbent']}, {paired}{between_means(row)}"


def between_means(row: Row) -> str:
    """The difference that the tests are about, where it is not that over the common seeds."""
    means = f"{row['difference_means_mbpb']:+.2f}"
    return "" if means == f"{row['difference_mbpb']:+.2f}" else f"; {means} between the means of all seeds, as tested"


def _settle(row: Row) -> str:
    if row["seeds_to_settle"] is None:
        return ""
    rule = f"p < {STANDARDS[row['settled_by']].level:g} by the {NAMES[row['settled_by']]}"
    if row["seeds_to_settle"] == 0:
        return f"nothing: {rule}"
    price = "" if row["dollars_to_settle"] is None else f", {dollars(row['dollars_to_settle'])}"
    return f"{seeds_text(row['seeds_to_settle'], row['incumbent_too'])}{price}, for {rule}"


def _corrected(row: Row) -> str:
    """The second line: all rows together, and one deviation for all."""
    names = (("Holm", "p_adjusted"), ("pooled", "p_pooled"), ("Dunnett", "p_dunnett"), ("documents", "p_paired"))
    parts = [f"{name} p = {row[key]:.2g}" for name, key in names if row[key] is not None]
    if row["p_pooled"] is not None and row["equal_variance_p"] is not None:
        parts.append(f"equal variances p = {row['equal_variance_p']:.2g}")
    return ", ".join(parts)


def _search(row: Row) -> str:
    if not row["trials"]:
        return ""
    noise = "" if row["noise_mbpb"] is None else f"; their best by noise alone: {row['noise_mbpb']:.2f} mBPB"
    return f"{row['trials']} settings tried before{noise}"


def _text(row: Row) -> str:
    text = row["text"]
    if text is None:
        return ""
    size = f"{text['documents']:,} documents, {text['tokens']:,} tokens, {text['bytes']:,} bytes"
    return f"{size}, used for {row['confirmations']} confirmations"


def _same(row: Row) -> str:
    words = {True: "the same", False: "DIFFERENT", None: "not known to be the same"}
    if row["source"] != "golfsweep":
        return ""
    return f"code {words[row['same_code']]}, settings {words[row['same_settings']]} on all"
