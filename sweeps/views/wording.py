"""Numbers and units as people read them."""

from typing import Any

from jobs.store import SweepRecord


def format_p(p: float | None) -> str:
    """A p-value; a small one is never rounded to zero."""
    return "–" if p is None else f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"


def format_amount(amount: float) -> str:
    """A number with three digits, or all those before its point, e.g. 0.0125, 29.3, 2,713."""
    return f"{amount:,.0f}" if amount >= 999.5 else f"{amount:.3g}"


def format_dollars(cost: float) -> str:
    """Dollars and cents; below a cent with four digits."""
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"


def format_seeds(number: int, incumbent_too: bool) -> str:
    """A number of seeds to add, to one entry or to each of two."""
    return f"{number} more seed{'' if number == 1 else 's'}{' of each' if incumbent_too else ''}"


def format_seed_range(least: int, most: int | None, incumbent_too: bool) -> str:
    """A number of seeds to add that depends on the true difference; `most` is None where no number is enough."""
    if most is None:
        return f"at least {format_seeds(least, incumbent_too)}"
    return format_seeds(most, incumbent_too) if least == most else f"{least} to {format_seeds(most, incumbent_too)}"


def format_price_range(least: float | None, most: float | None) -> str:
    """The price of such a number; empty where it is unknown."""
    if least is None:
        return ""
    return format_dollars(least) if most in (None, least) else f"{format_dollars(least)} to {format_dollars(most or 0)}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them, e.g. 45 s, 3:20 min, 2:05 h."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def format_hours(hours: float, unit: str) -> str:
    """Hours of slots, e.g. 0.15 core-hours; of less than a hundredth the seconds."""
    if hours >= 0.005:
        return f"{hours:.2f} {unit}-hours"
    seconds = round(hours * 3600)
    return f"{seconds} {unit}-second{'' if seconds == 1 else 's'}"


def format_near(amount: float, limit: float, digits: int) -> str:
    """An amount beside its limit; with more digits where it would else be rounded onto the limit."""
    while digits < 6 and amount != limit and round(amount, digits) == round(limit, digits):
        digits += 1
    return f"{amount:.{digits}f}"


def elapsed(seconds: float) -> str:
    """A time that has passed, in two units at most, e.g. 45s, 4m48s, 2h05m, 3d04h."""
    whole = round(seconds)
    for unit, smaller, size, part in (("d", "h", 86400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // part:02d}{smaller}"
    return f"{whole}s"


def slot_unit(record: SweepRecord) -> str:
    """What a slot of a sweep's machine is to people: core or GPU."""
    device = str((record.spec.get("machine") or {}).get("device", ""))
    return "core" if device.startswith("cpu") else "GPU"


def format_setting(value: Any) -> str:
    """A setting as a person writes it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(format_setting, value)) or "none"
    return "–" if value is None else str(value)
