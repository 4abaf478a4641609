"""Notices in the form that each receiver reads. What they quote is data there: no mention, link or markup of its own.

Discord (Execute Webhook): `content` has at most 2,000 characters, `allowed_mentions` decides who is notified, and the
flag 4 shows no preview of links. Slack (incoming webhooks): `&`, `<` and `>` are written as entities, and only what is
in angle brackets is a mention or a link.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from jobs.state import WebhookForm
from jobs.store import Delivery
from sweeps.text.escaping import escape

MOST_DISCORD_CHARACTERS = 2000
MOST_CHARACTERS = 900
"""Of a sentence: with every character escaped, and an address beside it, it fits."""
SUPPRESS_EMBEDS = 4
SCHEMA_VERSION = 1
"""Raised when a field of the generic form changes its meaning."""
_DISCORD_MARKUP = re.compile(r"([\\*_~`|<>\[\]()@:#])")
_SLACK_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SLACK_MARKUP = re.compile(r"([*_~`])")
WORD_JOINER = "\u2060"
"""Shows nothing, and keeps Slack from taking the sign after it for markup; Slack has no escape for one."""


def write_body(delivery: Delivery, base: str) -> bytes:
    """What is sent: JSON in UTF-8.

    Args:
        delivery: the notice and its webhook.
        base: the service's own address, to which the notice's path is added.
    """
    link = f"{base}{delivery.notice.path}" if delivery.notice.path else ""
    form = WebhookForm(delivery.form)
    if form == WebhookForm.DISCORD:
        document = write_discord(delivery.notice.sentence, link)
    elif form == WebhookForm.SLACK:
        document = write_slack(delivery.notice.sentence, link)
    else:
        document = write_generic(delivery, link)
    return json.dumps(document).encode()


def write_discord(sentence: str, link: str) -> dict[str, Any]:
    """A message that notifies nobody by what it quotes."""
    text = _DISCORD_MARKUP.sub(r"\\\1", _one_line(sentence))
    with_link = f"{text} <{link}>" if link else text
    content = with_link if _utf16_units(with_link) <= MOST_DISCORD_CHARACTERS else text
    return {"content": content, "allowed_mentions": {"parse": []}, "flags": SUPPRESS_EMBEDS}


def write_slack(sentence: str, link: str) -> dict[str, Any]:
    """A message whose only link is that of the notice."""
    line = _SLACK_MARKUP.sub(rf"{WORD_JOINER}\1", _one_line(sentence))
    text = "".join(_SLACK_ENTITIES.get(sign, sign) for sign in line.replace("://", f":{WORD_JOINER}//"))
    if link:
        target = "".join(_SLACK_ENTITIES.get(sign, sign) for sign in link).replace("|", "%7C")
        text += f" <{target}|Open>"
    return {"text": text, "unfurl_links": False, "unfurl_media": False}


def write_generic(delivery: Delivery, link: str) -> dict[str, Any]:
    """All of a notice."""
    notice = delivery.notice
    return {
        "schema_version": SCHEMA_VERSION,
        "id": delivery.number,
        "kind": notice.kind,
        "time": datetime.fromtimestamp(delivery.time, UTC).isoformat(timespec="seconds"),
        "text": notice.sentence,
        "link": link or None,
        "data": notice.data,
    }


def _one_line(sentence: str) -> str:
    line = escape(" ".join(sentence.split()))
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"


def _utf16_units(text: str) -> int:
    """How long JavaScript takes a text for, which counts some characters twice."""
    return len(text.encode("utf-16-le")) // 2
