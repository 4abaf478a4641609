"""The fields of a short form, as a browser sends them."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from fastapi import Request

from golf.errors import InputError, shown

MOST_BYTES = 4096
MOST_FIELDS = 10
MOST_DIGITS = 12
Fields = Mapping[str, str]


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a form; of those with the same name the first.

    Raises:
        InputError: it is longer, or has more fields, than any form of ours.
    """
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise InputError(f"form: {len(body)} bytes; expected at most {MOST_BYTES}")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InputError(f"form: too many fields; expected at most {MOST_FIELDS}") from None
    return {name: values[0] for name, values in fields.items()}


def read_number(fields: Fields, name: str, least: int, most: int) -> int:
    """A whole number of a form.

    Raises:
        InputError: it is none, or out of bounds.
    """
    text = fields.get(name, "").strip()
    digits = text.removeprefix("-")
    number = int(text) if digits.isdecimal() and len(digits) <= MOST_DIGITS else least - 1
    if not least <= number <= most:
        raise InputError(f"{name} = {shown(text)}: expected a whole number from {least} to {most}")
    return number
