"""Where notices may go, what is sent there, and what comes of it: to a real receiver on this machine."""

import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.machine.clock import steady_epoch
from jobs.state import NoticeKind, WebhookForm
from jobs.store import Delivery, Notice
from sweeps.web.notices import destinations, sending
from sweeps.web.notices.destinations import NotAllowed, are_public, check_destination
from sweeps.web.notices.retries import (
    FINAL,
    GIVEN_UP_SECONDS,
    MOST_SECONDS,
    Answer,
    plan_retry,
    read_retry_after,
)
from sweeps.web.notices.sending import send
from sweeps.web.notices.signing import sign
from tests.sweeps.web.notices.receiver import Receiver


def delivery(url: str, form: WebhookForm = WebhookForm.GENERIC) -> Delivery:
    notice = Notice(kind=NoticeKind.BUDGET.value, sentence="half is spent", path="/", data={"sweep": "s"})
    return Delivery(
        webhook="w", form=form.value, url=url, secret="gsw_x", number=7, time=steady_epoch(), notice=notice, failures=0
    )


class TestDestinations:
    @pytest.mark.parametrize("address", [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1", "2002:a00:1::", "::7f00:1",
    ])  # fmt: skip
    def test_an_address_inside_is_not_public(self, address: str) -> None:
        assert not are_public([address]) and not are_public(["8.8.8.8", address])

    @pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
    def test_an_address_of_the_internet_is(self, address: str) -> None:
        assert are_public([address])
        assert not are_public([])

    @pytest.mark.parametrize("url", [
        "https://127.0.0.1/x", "https://localhost/x", "https://[::1]:8443/x", "https://0/x", "https://2130706433/x",
        "https://0x7f.1/x", "https://169.254.169.254/latest", "https://[::ffff:127.0.0.1]/x",
    ])  # fmt: skip
    def test_names_and_forms_of_an_address_inside_are_refused(self, url: str) -> None:
        with pytest.raises(NotAllowed, match="not public"):
            check_destination(url, private=False)

    def test_plain_http_is_refused(self) -> None:
        with pytest.raises(NotAllowed, match="without TLS"):
            check_destination("http://8.8.8.8/x", private=False)

    def test_the_connection_goes_to_the_address_that_was_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name that means another host at the second look (DNS rebinding) is not looked up a second time."""
        looks = []

        def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            looks.append(host)
            address = "127.0.0.1" if len(looks) == 1 else "10.255.255.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        with Receiver() as receiver:
            port = receiver.url.split(":")[2].split("/")[0]
            monkeypatch.setattr("sweeps.web.notices.destinations.socket.getaddrinfo", resolve)
            destination = check_destination(f"http://rebinding.example:{port}/hook", private=True)
            monkeypatch.undo()
            assert destination.address == "127.0.0.1" and looks == ["rebinding.example"]
            connection = destination.connect(5)
            connection.request("POST", destination.target, b"{}")
            assert connection.getresponse().status == 204
            assert receiver.messages[0].headers["Host"] == f"rebinding.example:{port}"


class TestSending:
    def test_a_message_arrives_signed(self) -> None:
        with Receiver() as receiver:
            assert send(delivery(receiver.url), "https://b", private=True) == Answer(status=204, error="")
        [message] = receiver.messages
        timestamp = message.headers["Golfsweep-Timestamp"]
        assert message.path == "/hook/s3cretPart99" and message.headers["Golfsweep-Notice"] == "7"
        assert message.headers["Golfsweep-Signature"] == sign("gsw_x", int(timestamp), message.body)
        assert abs(int(timestamp) - steady_epoch()) < 60
        assert message.document["data"] == {"sweep": "s"} and message.document["link"] == "https://b/"

    def test_other_forms_are_not_signed(self) -> None:
        with Receiver() as receiver:
            for form in (WebhookForm.DISCORD, WebhookForm.SLACK):
                assert send(delivery(receiver.url, form), "https://b", private=True).error == ""
        assert [sorted(message.document) for message in receiver.messages] == [
            ["allowed_mentions", "content", "flags"], ["text", "unfurl_links", "unfurl_media"],
        ]  # fmt: skip
        assert not any("Golfsweep-Signature" in message.headers for message in receiver.messages)

    def test_nothing_is_sent_inside_unless_the_operator_says_so(self) -> None:
        with Receiver() as receiver:
            answer = send(delivery(receiver.url), "https://b", private=False)
            secure = send(delivery(receiver.url.replace("http:", "https:")), "https://b", private=False)
        assert receiver.messages == [] and "without TLS" in answer.error and "not public" in secure.error
        assert "s3cretPart" not in answer.error + secure.error

    def test_no_redirect_is_followed(self) -> None:
        with Receiver() as other, Receiver([(302, {"Location": other.url})]) as receiver:
            answer = send(delivery(receiver.url), "https://b", private=True)
        assert (answer.status, len(receiver.messages), other.messages) == (302, 1, [])
        assert answer.error == "answered with 302, Found"

    def test_what_goes_wrong_is_said_without_the_address(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/s3cretPart99"
            answers = [send(delivery(url), "https://b", private=True)]
        answers.append(send(delivery("http://no-such-host.invalid/s3cretPart99"), "https://b", private=True))
        with Receiver() as receiver:
            answers.append(send(delivery(receiver.url.replace("http:", "https:")), "https://b", private=True))
        assert [answer.status for answer in answers] == [None] * 3
        assert answers[0].error == "no answer: Connection refused"
        assert all(answer.error.startswith("no answer: ") and "s3cret" not in answer.error for answer in answers)

    def test_a_receiver_that_does_not_answer_costs_a_bounded_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "ALL_SECONDS", 0.2)
        with Receiver(silent=Event()) as receiver:
            answer = send(delivery(receiver.url), "https://b", private=True)
            assert receiver.silent is not None
            receiver.silent.set()
        assert answer.status is None and answer.error.startswith("no answer: ")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost that nobody else trusts, and its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    words += ["-keyout", str(path), "-out", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return path


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl here: no certificate is made, to be trusted or not"
)
class TestTls:
    def test_who_is_not_trusted_gets_nothing(self, certificate: Path) -> None:
        with Receiver(certificate=certificate) as receiver:
            answer = send(delivery(receiver.url), "https://b", private=True)
        assert receiver.messages == [] and answer.error.startswith("its certificate is not valid: self")

    def test_who_is_trusted_gets_it_under_its_own_name_alone(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(destinations, "_context", lambda: ssl.create_default_context(cafile=certificate))
        with Receiver(certificate=certificate) as receiver:
            assert send(delivery(receiver.url), "https://b", private=True).error == ""
            other = send(delivery(receiver.url.replace("localhost", "127.0.0.1")), "https://b", private=True)
        [message] = receiver.messages
        assert message.headers["Host"] == receiver.url.split("/")[2] and "certificate is not valid" in other.error


class TestRetries:
    @given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from([None, 0.0, 10.0, 1e9]))
    def test_waits_grow_and_are_bounded(self, failures: int, where: float, asked: float | None) -> None:
        answer = Answer(status=503, error="x", retry_after=asked)
        retry = plan_retry(answer, failures, 0.0, lambda low, high: low + where * (high - low))
        assert 2.5 <= retry.wait <= MOST_SECONDS and retry.wait >= min(asked or 0.0, MOST_SECONDS)
        assert not retry.give_up

    def test_each_wait_is_about_twice_the_one_before(self) -> None:
        waits = [plan_retry(Answer(status=None, error="x"), n, 0.0, lambda low, high: high).wait for n in range(12)]
        assert waits[:4] == [5.0, 10.0, 20.0, 40.0] and waits[-1] == MOST_SECONDS

    def test_it_ends_after_a_day_or_where_nothing_can_change(self) -> None:
        def gives_up(status: int | None, age: float) -> bool:
            return plan_retry(Answer(status=status, error="x"), 3, age).give_up

        assert [gives_up(status, 0.0) for status in (None, 302, 404, 410, 429, 500, *FINAL)] == [False] * 6 + [True] * 8
        assert gives_up(None, GIVEN_UP_SECONDS) and not gives_up(None, GIVEN_UP_SECONDS - 1)

    @pytest.mark.parametrize(("text", "seconds"), [
        (None, None), ("", None), ("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("nan", None), ("inf", MOST_SECONDS),
        ("soon", None), ("Sun, 09 Sep 2001 01:46:50 GMT", 10.0), ("Sun, 99 Sep 2001 01:46:50 GMT", None),
    ])  # fmt: skip
    def test_retry_after_is_a_number_or_a_date(self, text: str | None, seconds: float | None) -> None:
        assert read_retry_after(text, 1e9) == seconds

    @given(st.text(max_size=40))
    def test_whatever_it_says(self, text: str) -> None:
        wait = read_retry_after(text, 1e9)
        assert wait is None or 0 <= wait <= MOST_SECONDS


def test_the_page_shows_how_a_receiver_checks_a_signature() -> None:
    text = (Path(__file__).parents[4] / "docs/service.md").read_text()
    [example] = re.findall(r"```python\n(import hashlib.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    with Receiver() as receiver:
        send(delivery(receiver.url), "https://b", private=True)
    [message] = receiver.messages
    assert names["is_genuine"](message.headers, message.body, "gsw_x")
    assert not names["is_genuine"](message.headers, message.body, "gsw_y")
    assert not names["is_genuine"](message.headers, message.body + b" ", "gsw_x")
    old = dict(message.headers) | {"Golfsweep-Timestamp": str(int(message.headers["Golfsweep-Timestamp"]) - 301)}
    old["Golfsweep-Signature"] = sign("gsw_x", int(old["Golfsweep-Timestamp"]), message.body)
    assert not names["is_genuine"](old, message.body, "gsw_x")
