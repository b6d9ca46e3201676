"""One POST: where it may go, what is read of the answer, and what each answer comes to."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from support.certificates import certificate, trust_in
from support.webhook_receiver import Receiver, webhook_receiver

from trust_portal.notify.model import Answer, Verdict
from trust_portal.notify.webhooks.post import Sender

OWN = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
HEADERS = {"content-type": "application/json", "webhook-id": "msg_1"}


async def post(receiver: Receiver, path: str, **options) -> Answer:
    return await Sender(OWN, **options).post(receiver.url(path), HEADERS, b"{}")


async def test_what_answers_with_success_is_delivered_to(receiver: Receiver) -> None:
    answer = await post(receiver, "/ok")
    assert answer == Answer(Verdict.DELIVERED, '{"ok":true}', 200, "127.0.0.1")
    (got,) = receiver.received
    assert got.body == b"{}"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["user-agent"].startswith("Trust-Portal-Webhooks/")
    assert got.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/broken",
            Answer(
                Verdict.FAILED,
                "<h1>Internal Server Error</h1> <h1>Internal Server Error</h1> <h1>Internal Server Error</h1>",
                500,
                "127.0.0.1",
            ),
        ),
        ("/gone", Answer(Verdict.FAILED, "no longer here", 410, "127.0.0.1", final=True)),
        ("/busy", Answer(Verdict.FAILED, "slow down", 429, "127.0.0.1", retry_after=900)),
        (
            "/moved",
            Answer(
                Verdict.FAILED,
                "it leads elsewhere, and nothing is followed; write down the address it leads to",
                302,
                "127.0.0.1",
            ),
        ),
    ],
)
async def test_what_answers_otherwise_has_failed_and_says_how(
    receiver: Receiver, path: str, expected: Answer
) -> None:
    assert await post(receiver, path) == expected
    assert [each.path for each in receiver.received] == [path], "nothing is followed"


async def test_an_answer_that_does_not_come_or_does_not_end_holds_nobody_up(receiver: Receiver) -> None:
    assert await post(receiver, "/slow", patience=0.5) == Answer(Verdict.FAILED, "no answer in time")
    endless = await post(receiver, "/endless", patience=5)
    assert (endless.verdict, endless.status, len(endless.words)) == (Verdict.DELIVERED, 200, 300)


async def test_without_leave_nothing_is_sent_to_this_machine(receiver: Receiver) -> None:
    for url in (receiver.url(), receiver.url(host="localhost").replace("http:", "https:")):
        answer = await Sender().post(url, HEADERS, b"{}")
        assert (answer.verdict, answer.status) == (Verdict.FAILED, None)
    assert receiver.received == []


async def test_where_nobody_listens_it_is_said(receiver: Receiver) -> None:
    answer = await Sender(OWN).post("http://127.0.0.1:1/", HEADERS, b"{}")
    assert answer == Answer(Verdict.FAILED, "no connection could be made", peer="127.0.0.1")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Receiver]:
    with webhook_receiver(certificate(tmp_path)) as receiver:
        yield receiver


async def test_the_certificate_must_be_the_names_though_the_connection_goes_to_an_address(
    guarded: Receiver, tmp_path: Path
) -> None:
    trusting = Sender(OWN, context=trust_in(tmp_path))
    answer = await trusting.post(guarded.url(host="localhost"), HEADERS, b"{}")
    assert answer.verdict is Verdict.DELIVERED
    (got,) = guarded.received
    assert got.headers["host"] == f"localhost:{guarded.port}"
    # 127.0.0.2 is the same machine, and no name of the certificate's.
    stranger = await trusting.post(guarded.url(host="127.0.0.2"), HEADERS, b"{}")
    assert (stranger.verdict, stranger.status) == (Verdict.FAILED, None)
    untrusting = await Sender(OWN).post(guarded.url(host="localhost"), HEADERS, b"{}")
    assert untrusting.words == "its certificate is not trusted: self-signed certificate"
    assert len(guarded.received) == 1
