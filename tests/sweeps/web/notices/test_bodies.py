"""Messages as Discord, Slack and programs read them: what is quoted stays data, whatever it is."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from jobs.state import NoticeKind, WebhookForm
from jobs.store import Delivery, Notice
from sweeps.web.notices.bodies import MOST_DISCORD_CHARACTERS, write_body

BASE = "https://sweeps.example"
HOSTILE = "@everyone <@123> <!channel> [x](https://evil.example) https://evil.example **b** `c` | \\ & \u202e\n# h"


def delivery(form: WebhookForm, sentence: str, path: str = "/sweeps/x", **data: object) -> Delivery:
    notice = Notice(kind=NoticeKind.BUDGET.value, sentence=sentence, path=path, data=data)
    return Delivery(
        webhook="w", form=form.value, url="https://h/x", secret="s", number=7, time=1e9, notice=notice, failures=0
    )


def body(form: WebhookForm, sentence: str, path: str = "/sweeps/x") -> dict[str, object]:
    document = json.loads(write_body(delivery(form, sentence, path), BASE))
    assert isinstance(document, dict)
    return document


TEXTS = st.one_of(st.text(max_size=300), st.text("@<>&*_~`|[]()!#:/\\ \n\ud7ff😀\x00\u2028", max_size=4000))
PATHS = st.text("/%abcdef0123456789-._~", max_size=3000).map(lambda text: f"/{text}")


@given(TEXTS, PATHS)
def test_discord_notifies_nobody_and_takes_every_message(sentence: str, path: str) -> None:
    document = body(WebhookForm.DISCORD, sentence, path)
    content = document["content"]
    assert isinstance(content, str) and len(content.encode("utf-16-le")) // 2 <= MOST_DISCORD_CHARACTERS
    assert document["allowed_mentions"] == {"parse": []} and document["flags"] == 4
    ours = f" <{BASE}{path}>"
    quoted = content.removesuffix(ours)
    assert "\n" not in content and not re.search(r"(?<!\\)(?:\\\\)*[*_~`|<>\[\]()@:#]", quoted)


@given(TEXTS, PATHS)
def test_slack_has_one_link_and_no_mention(sentence: str, path: str) -> None:
    text = body(WebhookForm.SLACK, sentence, path)["text"]
    assert isinstance(text, str)
    assert re.findall("<[^>]*>?|>", text) == [f"<{BASE}{path}|Open>"]
    assert not re.search(r"&(?!amp;|lt;|gt;)", text) and "\n" not in text
    assert "://" not in text.removesuffix(f" <{BASE}{path}|Open>")


@given(TEXTS)
def test_programs_get_the_words_unchanged(sentence: str) -> None:
    assert body(WebhookForm.GENERIC, sentence)["text"] == sentence


def test_a_message_of_each_form() -> None:
    sentence = "Sweep a_b has used 50 % of its budget: 5 of 10 slot-hours are spent."
    assert body(WebhookForm.DISCORD, sentence)["content"] == (
        "Sweep a\\_b has used 50 % of its budget\\: 5 of 10 slot-hours are spent. <https://sweeps.example/sweeps/x>"
    )
    assert body(WebhookForm.SLACK, sentence)["text"] == (
        "Sweep a\u2060_b has used 50 % of its budget: 5 of 10 slot-hours are spent. <https://sweeps.example/sweeps/x|Open>"
    )
    assert body(WebhookForm.GENERIC, sentence) == {
        "schema_version": 1, "id": 7, "kind": "budget", "time": "2001-09-09T01:46:40+00:00", "text": sentence,
        "link": "https://sweeps.example/sweeps/x", "data": {},
    }  # fmt: skip
    assert "everyone" in str(body(WebhookForm.DISCORD, HOSTILE)["content"])
