"""Numbers as people read them."""


def p_text(p: float | None) -> str:
    """A p-value, small ones never as nothing."""
    return "–" if p is None else f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"


def dollars(cost: float) -> str:
    """Dollars, small sums in full."""
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"


def seeds_text(number: int, incumbent_too: bool) -> str:
    """So many seeds to add, and to whom."""
    return f"{number} more seed{'' if number == 1 else 's'}{' of each' if incumbent_too else ''}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them, e.g. 45 s, 3:20 min, 2:05 h."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
