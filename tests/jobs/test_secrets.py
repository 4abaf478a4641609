"""Passwords are hidden in every form in which a URL or connection string can hold one."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.secrets import has_password, hide_password, hide_passwords

FIRST, LAST = "Zq9", "9qZ"
PASSWORDS = st.text(max_size=20).map(lambda text: f"{FIRST}{text}{LAST}")


def libpq(password: str) -> str:
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    return f"host=h user=me password='{escaped}' dbname=x"


FORMS = {
    "raw": lambda p: f"postgresql://me:{p}@h/x",
    "encoded": lambda p: f"postgresql+psycopg://me:{quote(p, safe='')}@h:5432/x?sslmode=require",
    "without a user": lambda p: f"redis://:{quote(p, safe='')}@h:6379/0",
    "parameter": lambda p: f"postgresql://h/x?user=me&password={quote(p, safe='')}",
    "encoded name": lambda p: f"postgresql://h/x?p%61ssword={quote(p, safe='')}&user=me",
    "key of a bucket": lambda p: f"s3://bucket/x?aws_secret_access_key={quote(p, safe='')}&region=us",
    "keywords": libpq,
    "unquoted keyword": lambda p: f"host=h password={quote(p, safe='')}",
    "option": lambda p: f"--db=postgresql://me:{p}@h/x",
    "dashboard": lambda p: f"http://me:{p}@h:8265",
}


@pytest.mark.parametrize("form", FORMS)
@given(password=PASSWORDS)
def test_nothing_of_a_password_is_left_in_any_form(form: str, password: str) -> None:
    url = FORMS[form](password)
    assert has_password(url)
    for shown in (hide_password(url), hide_passwords(f"cannot open {url}; try again", [url])):
        assert FIRST not in shown and LAST not in shown
        assert "***" in shown


@given(password=PASSWORDS.map(lambda password: quote(password, safe="")))
def test_a_url_in_a_text_of_a_library_is_found(password: str) -> None:
    text = f'refused "postgresql://me:{password}@h/x?password={password}&a=b" (and http://h:80/y)'
    shown = hide_passwords(text)
    assert FIRST not in shown and LAST not in shown
    assert shown.startswith('refused "postgresql://me:***@h/x?password=***&a=b') and "http://h:80/y" in shown


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////data/golf sweep.db",
        "postgresql://me@h:5432/x?sslmode=require",
        "--set eval.lora.key=3 --ray 10.0.0.1:6379",
        "s3://bucket/path",
        'did you mean "password"? yes = no',
        "/home/me:x@y/z",
    ],
)
def test_what_holds_no_password_is_left_as_it_is(text: str) -> None:
    assert hide_passwords(text) == text
    assert not has_password(text)
