"""STARTTLS, a certificate that is looked at, a password; and what each refusal comes to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from support.mail_server import MailServerProcess, mail_server

from trust_portal.errors import InvalidInput
from trust_portal.notify.mail.post_office import MailServer, PostOffice
from trust_portal.notify.model import Verdict


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServerProcess]:
    """A server that insists on TLS and on a password."""
    with mail_server(tmp_path_factory.mktemp("guarded"), "--tls", "--user", "portal:secret") as server:
        yield server


def letter(to: str = "ada", domain: str = "aurora.example") -> EmailMessage:
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = Address("Trust", "trust", "aurora.example")
    message["To"] = Address("", to, domain)
    message["Subject"] = "Ünter TLS"
    message["Date"] = datetime(2026, 7, 10, tzinfo=UTC)
    message.set_content("ok ✓\n")
    return message


def office(server: MailServerProcess, *, password: str | None = None, trusting: bool = True) -> PostOffice:
    return PostOffice(
        MailServer("localhost", server.port, "starttls", "portal", password or "secret"),
        context=server.trust() if trusting else None,
    )


async def test_mail_goes_by_starttls_with_the_password(guarded: MailServerProcess) -> None:
    await office(guarded).greet()
    answer = await office(guarded).send(letter())
    assert (answer.verdict, answer.status) == (Verdict.DELIVERED, 250)
    (taken,) = guarded.taken()
    assert taken["subject"] == "Ünter TLS"
    assert taken.get_content().strip() == "ok ✓"


async def test_a_certificate_nobody_vouches_for_is_not_trusted_and_nothing_is_said(
    guarded: MailServerProcess,
) -> None:
    before = len(guarded.taken())
    answer = await office(guarded, trusting=False).send(letter())
    assert (answer.verdict, answer.final) == (Verdict.FAILED, False)
    assert "certificate" in answer.words
    assert len(guarded.taken()) == before


async def test_a_wrong_password_is_the_operators_to_mend_so_the_mail_waits(
    guarded: MailServerProcess,
) -> None:
    answer = await office(guarded, password="wrong").send(letter())
    assert (answer.verdict, answer.status, answer.final) == (Verdict.FAILED, 535, False)
    with pytest.raises(InvalidInput, match="the mail server does not take us in") as refused:
        await office(guarded, password="wrong").greet()
    assert refused.value.field == "SMTP_URL"


async def test_a_server_that_is_not_there_is_asked_again_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = await PostOffice(MailServer("127.0.0.1", taken.getsockname()[1], "none")).send(letter())
    assert (answer.verdict, answer.status, answer.final) == (Verdict.FAILED, None, False)


async def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(mail: MailServerProcess) -> None:
    answer = await PostOffice(MailServer("127.0.0.1", mail.port, "starttls")).send(letter())
    assert (answer.verdict, answer.final) == (Verdict.FAILED, False)
    assert mail.taken() == []


async def test_what_keeps_a_mail_server_from_taking_us_in_is_said_with_what_to_do(
    guarded: MailServerProcess, mail: MailServerProcess
) -> None:
    async def told(post_office: PostOffice) -> str:
        with pytest.raises(InvalidInput) as refused:
            await post_office.greet()
        assert refused.value.field == "SMTP_URL"
        return refused.value.message

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        silent = await told(PostOffice(MailServer("127.0.0.1", port, "none")))
    assert f"check host and port in SMTP_URL, and that this machine may reach 127.0.0.1:{port}" in silent
    assert "this machine must trust whoever signed it" in await told(office(guarded, trusting=False))
    assert "correct the user and the password" in await told(office(guarded, password="wrong"))
    assert "it offers no STARTTLS: take smtps://" in await told(
        PostOffice(MailServer("127.0.0.1", mail.port, "starttls"))
    )
    await PostOffice(MailServer("127.0.0.1", mail.port, "none")).greet()
    assert (guarded.taken()[1:], mail.taken()) == ([], []), "whoever only greets sends nothing"


async def test_an_address_beyond_ascii_goes_where_the_server_knows_of_such(mail: MailServerProcess) -> None:
    answer = await PostOffice(MailServer("127.0.0.1", mail.port, "none")).send(letter("jürgen"))
    assert answer.verdict is Verdict.DELIVERED
    assert mail.recipients() == [["jürgen@aurora.example"]]
