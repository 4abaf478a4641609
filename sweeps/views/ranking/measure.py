"""What the entries of a contest are ranked by, as people read it: names, digits, and the unit of a change."""

from dataclasses import dataclass

UNKNOWN = "–"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A ranked value."""

    heading: str
    """Of its column."""
    title: str
    """In words, for the axis of a figure."""
    unit: str
    """After a value."""
    form: str
    """Format of a value, e.g. .4f."""
    change_unit: str
    """After a difference of two values."""
    change_form: str
    changes_per_unit: float = 1.0
    """Units of a change in a unit of the value."""
    replicate: str = "seed"
    """What tells an entry's runs apart, in a word."""
    higher_is_better: bool = False

    def show(self, value: float | None) -> str:
        """A value."""
        return UNKNOWN if value is None else format(value, self.form)

    def describe(self, value: float) -> str:
        """A value with its unit."""
        return f"{self.show(value)} {self.unit}"

    def change(self, value: float, reference: float) -> float:
        """By how much a value is above a reference, in the unit of a change."""
        return self.changes_per_unit * (value - reference)

    def show_change(self, change: float | None) -> str:
        """A change with its sign."""
        return UNKNOWN if change is None else format(change, f"+{self.change_form}")

    def gain(self, value: float, reference: float) -> float:
        """By how much a value is better than a reference, in the unit of a change; negative where it is worse."""
        change = self.change(value, reference)
        return change if self.higher_is_better else -change

    def describe_gain(self, gain: float) -> str:
        """A gain in words, e.g. 6.95 mBPB better."""
        return f"{abs(gain):{self.change_form}} {self.change_unit} {'better' if gain >= 0 else 'worse'}"

    def count_runs(self, number: int) -> str:
        """A number of runs, e.g. 3 seeds."""
        return f"{number} {self.replicate}{'' if number == 1 else 's'}"


BITS_PER_BYTE = Measure(
    heading="val_bpb", title="bits per byte", unit="bpb", form=".4f", change_unit="mBPB", change_form=".2f",
    changes_per_unit=1000.0,
)  # fmt: skip
"""What Parameter Golf ranks by."""
