"""Hiding passwords and keys in whatever is shown, logged or stored: URLs, connection strings, command lines."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

HIDDEN = "***"
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|credential|signature|^sig$|key", re.IGNORECASE)
"""Names of URL parameters whose values nobody else may read: password, sslpassword, aws_secret_access_key, sig, …"""
_USER_INFORMATION = re.compile(r"(?P<start>[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*):(?!/)[^\s]*@")
"""The password reaches to the last @, because one that is not percent-encoded may hold any character of a URL."""
_PARAMETER = re.compile(r"(?P<name>[?&;][^\s=&?;]+)=(?P<value>[^\s&]*)")
_VALUE = r"""'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[^\s&]+"""
_KEYWORD = re.compile(rf"(?P<name>\b\w*pass(?:word|wd|phrase)\s*=\s*)(?:{_VALUE})", re.IGNORECASE)
"""libpq's form, such as `host=h password='a b'`."""
_SPACE = re.compile(r"\s")


def is_secret_name(name: str) -> bool:
    """Whether a variable or parameter of this name is likely to hold a password, a key or a token."""
    return _SECRET_NAME.search(name) is not None


def hide_passwords(text: str, given: Iterable[str] = ()) -> str:
    """A text without the passwords and keys of the URLs and connection strings in it.

    Args:
        text: a message or a log; a URL in it ends at white space, unless it is one of `given`.
        given: URLs and other values that the text may quote.
    """
    for value in given:
        if has_password(value):
            for form in (value, repr(value)[1:-1], " ".join(value.split())):
                text = text.replace(form, hide_password(value))
    shown = _USER_INFORMATION.sub(rf"\g<start>:{HIDDEN}@", text)
    shown = _PARAMETER.sub(_hide_parameter, shown)
    return _KEYWORD.sub(rf"\g<name>{HIDDEN}", shown)


def hide_password(value: str) -> str:
    """A URL or connection string, or one word of a command line, without its passwords and keys.

    White space in a URL may be part of a password; it is shown as %20.
    """
    return hide_passwords(_as_one_word(value))


def has_password(value: str) -> bool:
    """Whether a URL or connection string holds a password or key."""
    return hide_password(value) != _as_one_word(value)


def _as_one_word(value: str) -> str:
    return _SPACE.sub("%20", value) if "://" in value else value


def _hide_parameter(match: re.Match[str]) -> str:
    name = unquote_plus(match["name"][1:])
    return f"{match['name']}={HIDDEN}" if _SECRET_NAME.search(name) else match[0]
