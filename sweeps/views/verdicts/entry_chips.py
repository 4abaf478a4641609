"""The parts of the verdict on an entry: whether it beats the record, is legal, and fits the limits."""

import re
from collections.abc import Sequence

from sweeps.board.ledger import correct_p
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.rules import LIMIT_SECONDS
from sweeps.views.entry_facts import EntryColumns, deciding_p
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.verdicts.next_step import DECIDING
from sweeps.views.wording import format_near, format_p

MOST_UNCHECKED = 1
"""Things that nobody has verified which a chip names."""


def judge_entry(entry: EntryColumns, baseline: str | None) -> tuple[Chip, ...]:
    """What is to be said of one entry: whether it beats the record, is legal, and fits the limits."""
    if entry["track"] == "flagged":
        return (_judge_legality(entry), _judge_limits(entry))
    caution = _judge_caution(entry, baseline)
    cautions = () if caution is None else (caution,)
    return (_judge_record(entry, baseline), *cautions, _judge_legality(entry), _judge_limits(entry))


def _judge_record(leader: EntryColumns, baseline: str | None) -> Chip:
    if leader["incumbent"] is None:
        detail = "no earlier entry or record to beat"
        return Chip(title="Record", standing=Rating.UNKNOWN, word="NOTHING TO BEAT", detail=detail)
    rule, passed = MARGIN_RULES[DECIDING], leader[DECIDING]
    needed = f"the rule needs p < {rule.level:g} at a {rule.margin_nats:g}-nat margin"
    if passed is None:
        why = "one seed has no spread" if len(leader["seeds"]) < 2 else "no test is possible"
        return Chip(title="Record", standing=Rating.UNKNOWN, word="UNDECIDED", detail=f"{why}; {needed}")
    held = passed and holds_corrected(leader, baseline)
    standing = Rating.GOOD if held else Rating.BAD if leader["difference_mbpb"] > 0 else Rating.WARN
    word = "SHOWN" if passed else "NOT SHOWN"
    return Chip(
        title="Record", standing=standing, word=word, detail=f"p = {format_p(deciding_p(leader, rule))}, {needed}"
    )


def _judge_caution(leader: EntryColumns, baseline: str | None) -> Chip | None:
    """What makes the leader look better than it is."""
    if len(leader["seeds"]) < 2:
        return Chip(title="Caution", standing=Rating.WARN, word="ONE SEED", detail="its spread is not known")
    form, p = _correct(leader, baseline)
    corrected = "" if p is None else f"; {form.format(format_p(p))}"
    standing = Rating.GOOD if holds_corrected(leader, baseline) and leader[DECIDING] else Rating.WARN
    if leader["trials"] and leader["selection_bias_mbpb"] is not None:
        detail = f"luck alone explains {leader['selection_bias_mbpb']:.2f} mBPB{corrected}"
        return Chip(title="Caution", standing=standing, word=f"BEST OF {leader['trials']}", detail=detail)
    if corrected and (leader["tries"] or 1) > 1:
        word = f"{leader['tries']} SETTINGS TRIED"
        return Chip(title="Caution", standing=standing, word=word, detail=corrected.removeprefix("; "))
    return None


def _correct(entry: EntryColumns, baseline: str | None) -> tuple[str, float | None]:
    """How p of the claim is written when all that was tried is allowed for, and that p: the larger of two corrections.

    Holm's is over the claims of all entries against the baseline, by Welch's test; the other over all settings tried.
    """
    rule, tries = MARGIN_RULES[DECIDING], entry["tries"] or 1
    corrected = f"p = {{}} over {tries} setting{'' if tries == 1 else 's'}", correct_p(deciding_p(entry, rule), tries)
    holm = entry["p_adjusted"] if entry["incumbent"] == baseline and entry[rule.paired_column] is None else None
    return ("Holm p = {}", holm) if holm is not None and holm > (corrected[1] or 0.0) else corrected


def holds_corrected(entry: EntryColumns, baseline: str | None) -> bool:
    """Whether the claim holds together with all others; one that nobody corrected does."""
    corrected = _correct(entry, baseline)[1]
    return corrected is None or corrected < MARGIN_RULES[DECIDING].level


def _judge_legality(leader: EntryColumns) -> Chip:
    if leader["track"] == "flagged":
        return Chip(title="Legal", standing=Rating.BAD, word="FLAGGED", detail=describe_flags(leader["findings"]))
    if leader["track"] != "legal":
        detail = "its scores were not audited from outside"
        return Chip(title="Legal", standing=Rating.UNKNOWN, word="UNVERIFIED", detail=detail)
    unchecked = [re.sub(r" \(.*\)$", "", item) for item in leader["unchecked"] or ()]
    items = [item if item.startswith("not ") else f"not checked: {item}" for item in unchecked[:MOST_UNCHECKED]]
    if len(unchecked) > MOST_UNCHECKED:
        items.append(f"{len(unchecked) - MOST_UNCHECKED} more not checked")
    audited, n = leader["audited_seeds"], len(leader["seeds"])
    audit = f"{audited} of {n} seed{'' if n == 1 else 's'} audited"
    parts = [*([audit] if audited else []), *_compare_seeds(leader), *items]
    return Chip(title="Legal", standing=Rating.GOOD, word="PASSED", detail="; ".join(parts))


def _compare_seeds(entry: EntryColumns) -> list[str]:
    """Whether all seeds were run by the same code, with the same settings, on the same hardware, as far as is known."""
    if len(entry["seeds"]) < 2:
        return []
    known = {
        "code": entry["same_code"],
        "settings": entry["same_settings"],
        "hardware": None if entry["machine"] is None else True,
    }
    same = [what for what, is_same in known.items() if is_same]
    different = [what for what, is_same in known.items() if is_same is False]
    parts = [f"same {_join(same)}"] if same else []
    return [*parts, *([f"DIFFERENT {_join(different)}"] if different else [])]


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _judge_limits(leader: EntryColumns) -> Chip:
    """Bytes and seconds of the worst seed against the limits."""
    size, limit = leader["bytes_total"], (leader["bytes"] or {}).get("limit")
    clocks = (("train", leader["train_seconds"]), ("eval", leader["eval_seconds"]))
    used = [
        (
            size,
            limit,
            "" if size is None or not limit else f"{format_near(size / 1e6, limit / 1e6, 2)} of {limit / 1e6:g} MB",
        ),
        *(
            (seconds, LIMIT_SECONDS, f"{name} {format_near(seconds or 0, LIMIT_SECONDS, 0)} of {LIMIT_SECONDS:g} s")
            for name, seconds in clocks
        ),
    ]
    known = [(amount, most, text) for amount, most, text in used if amount is not None and most is not None]
    if not known:
        return Chip(title="Fits", standing=Rating.UNKNOWN, word="UNKNOWN", detail="neither bytes nor times are known")
    detail = f"{' · '.join(text for *_, text in known)} (worst seed)"
    if any(amount > most for amount, most, _ in known):
        return Chip(title="Fits", standing=Rating.BAD, word="NO", detail=detail)
    word, standing = ("YES", Rating.GOOD) if len(known) == len(used) else ("AS FAR AS KNOWN", Rating.UNKNOWN)
    return Chip(title="Fits", standing=standing, word=word, detail=detail)
