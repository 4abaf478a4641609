"""Numbers as people read them."""

import pytest

from sweeps.views.wording import format_amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (0.01254, "0.0125"),
        (29.34, "29.3"),
        (999.4, "999"),
        (999.6, "1,000"),
        (2713.3, "2,713"),
        (1e6, "1,000,000"),
    ],
)
def test_no_amount_is_shown_as_a_power_of_ten(amount: float, text: str) -> None:
    assert format_amount(amount) == text
