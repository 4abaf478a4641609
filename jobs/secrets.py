"""Hiding passwords and keys in whatever is shown, logged or stored: URLs, connection strings, command lines."""

import re
from urllib.parse import unquote_plus

HIDDEN = "***"
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|credential|signature|^sig$|key", re.IGNORECASE)
"""Names of URL parameters whose values nobody else may read: password, sslpassword, aws_secret_access_key, sig, …"""
_USER_INFORMATION = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s:/@?#]*):(?P<password>[^\s]*)@")
"""The password reaches to the last @, because one that is not percent-encoded may hold any character of a URL."""
_PARAMETER = re.compile(r"(?P<name>[?&;][^\s=&?;]+)=(?P<value>[^\s&]*)")
_KEYWORD = re.compile(
    r"""(?P<name>\b\w*pass(?:word|wd|phrase)\s*=\s*)(?P<value>'(?:[^'\\]|\\.)*'?|"[^"]*"?|[^\s&'"]+)""", re.I
)
"""libpq's form, such as `host=h password='a b'`."""
_HAS_SPACE = re.compile(r"\s")


def hide_passwords(text: str) -> str:
    """A text without the passwords and keys of the URLs and connection strings in it.

    A URL in a text ends at white space; for a value that is a URL as a whole use `hide_password`.
    """
    shown = _USER_INFORMATION.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    shown = _PARAMETER.sub(_hide_parameter, shown)
    return _KEYWORD.sub(rf"\g<name>{HIDDEN}", shown)


def hide_password(value: str) -> str:
    """A URL or connection string, or one word of a command line, without its passwords and keys.

    White space may be part of a password here, and is shown as %20.
    """
    if "://" not in value:
        return hide_passwords(value)
    return hide_passwords(_HAS_SPACE.sub("%20", value))


def has_password(value: str) -> bool:
    """Whether a URL or connection string holds a password or key."""
    return HIDDEN in hide_password(value).replace(value, "")


def _hide_parameter(match: re.Match[str]) -> str:
    name = unquote_plus(match["name"][1:])
    return f"{match['name']}={HIDDEN}" if _SECRET_NAME.search(name) else match[0]
