"""A notification as a mail: its headers cannot be bent, and machines do not answer it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.mail.letter import Letterhead, hidden, mailbox, write_letter
from trust_portal.notify.mail.post_office import MailServer
from trust_portal.notify.mail.setup import mail_of
from trust_portal.notify.model import (
    Announcement,
    Audience,
    Channel,
    Delivery,
    Notification,
    Recipient,
    TenantName,
)
from trust_portal.notify.topics import Topic
from trust_portal.settings import Settings

AT = datetime(2026, 7, 10, 9, tzinfo=UTC)
ORIGIN = UUID("01980000-0000-7000-8000-00000000000a")
HEAD = Letterhead(
    Address("Trust", "trust", "aurora.example"), "https://trust.example", "trust.example", "Aurora"
)
ADA = Recipient(UUID(int=1), "ada@aurora.example", "Ada Vogel")
LETTER = Delivery(
    UUID("01980000-0000-7000-8000-0000000000d1"), VENDOR_ID, UUID(int=7), Channel.MAIL, ADA.id, AT
)


def notification(**changes: object) -> Notification:
    said = Announcement(
        topic=Topic.APPROVAL_REQUESTED,
        key="approval/1",
        title=str(changes.pop("title", "Approve a playbook")),
        text=str(changes.pop("text", "Northwind's exports are to be throttled.")),
        path="/approvals/1",
        facts={"asked_by": str(changes.pop("fact", "Fina"))},
    )
    made = Notification(
        UUID(int=7), VENDOR_ID, ORIGIN, TenantName("northwind", "Northwind"), said.topic, said.key, said.title,
        said.text, said.facts, said.path, said.thread, Audience(), AT,
    )  # fmt: skip
    return replace(made, **changes)


def as_sent(made: Notification, to: Recipient = ADA):
    return message_from_bytes(write_letter(made, LETTER, to, HEAD).as_bytes(), policy=default)


def test_its_headers_keep_machines_from_answering_and_mails_of_a_thread_together() -> None:
    first, later = (
        as_sent(notification()),
        as_sent(notification(key="approval/1/reminder", thread="approval/1")),
    )
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["X-Auto-Response-Suppress"] == "All"
    assert first["List-Id"] == "Approvals to decide <approval.requested.trust.example>"
    assert first["Message-ID"] == f"<{LETTER.id}@trust.example>"
    assert (
        first["References"] == later["References"] != as_sent(notification(thread="approval/2"))["References"]
    )


def test_written_again_it_is_the_same_message() -> None:
    def without_boundary(content: bytes) -> bytes:
        boundary = message_from_bytes(content).get_boundary()
        return content.replace(boundary.encode(), b"")

    once, again = (write_letter(notification(), LETTER, ADA, HEAD).as_bytes() for _ in range(2))
    assert without_boundary(once) == without_boundary(again)


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=2500))
def test_no_text_that_somebody_typed_becomes_a_header_or_markup(title: str, fact: str, text: str) -> None:
    evil = "\r\nBcc: everybody@evil.example\r\n\r\n<script>"
    message = as_sent(notification(title=evil + title, fact=evil + fact, text=evil + text))
    assert sorted(set(message.keys())) == [
        "Auto-Submitted", "Content-Type", "Date", "From", "List-Id", "MIME-Version", "Message-ID", "References",
        "Subject", "To", "X-Auto-Response-Suppress",
    ]  # fmt: skip
    assert "<script" not in message.get_body(("html",)).get_content()
    assert "\n" not in str(message["Subject"]).strip()


@pytest.mark.parametrize(
    "address",
    [
        "ada@aurora.example\r\nBcc: eve@evil.example",
        "ada@aurora.example\nX: y",
        "ada@aurora.example, eve@evil.example",
        "ada@aurora.example eve@evil.example",
        "ada@aurora.example>",
        "ada\u202e@aurora.example",
        "@aurora.example",
        "ada@",
        "ada",
        "",
    ],
)
def test_an_address_that_could_be_two_or_another_header_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        mailbox(address)


@pytest.mark.parametrize("name", ["Ada\r\nBcc: eve@evil.example", "Ada\x00", "Ada\u2028"])
def test_a_name_that_could_be_another_header_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        mailbox("ada@aurora.example", name)


def test_a_name_in_quotes_stays_a_name() -> None:
    message = as_sent(notification(), Recipient(ADA.id, ADA.email, 'Ada "eve@evil.example" <Vogel>, Dr.'))
    (only,) = message["To"].addresses
    assert (only.addr_spec, only.display_name) == (ADA.email, 'Ada "eve@evil.example" <Vogel>, Dr.')


def test_a_domain_beyond_ascii_is_spelled_in_ascii() -> None:
    assert mailbox("ada@bücher.example").addr_spec == "ada@xn--bcher-kva.example"


def test_the_log_keeps_no_whole_address() -> None:
    assert hidden("carla.vento@northwind.example") == "c…@northwind.example"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, "starttls")),
        ("smtps://u:p%40ss@mail.example", MailServer("mail.example", 465, "implicit", "u", "p@ss")),
        ("smtp://10.0.0.7:25?tls=none", MailServer("10.0.0.7", 25, "none")),
    ],
)
def test_where_the_mail_server_is_and_how_it_is_spoken_to(url: str, server: MailServer) -> None:
    assert MailServer.parse(url) == server
    assert "p@ss" not in repr(MailServer.parse(url))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (
            "http://mail.example",
            "write it as smtp://user:password@host:587 or smtps://user:password@host:465",
        ),
        ("smtp://", "write it as smtp://user:password@host:587 or smtps://user:password@host:465"),
        ("smtp://h:port", "this is no URL"),
        ("smtp://u@h", "give a user and a password, or neither"),
        ("smtp://u:p@h?tls=none", "a password is not sent without TLS"),
        ("smtp://h?tls=maybe", "the only option is ?tls=none, for a relay on a network of your own"),
        ("smtps://h?tls=none", "smtps:// is TLS; take smtp:// for a relay without"),
    ],
)
def test_a_mail_server_that_cannot_be_meant_is_refused_by_name(url: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        MailServer.parse(url)
    assert (refused.value.field, refused.value.message) == ("SMTP_URL", why)


def test_the_two_settings_of_mail_go_together() -> None:
    without = Settings(database_url="d", redis_url="r")
    assert mail_of(without) is None
    for given_, missing in (
        ({"smtp_url": "smtp://h"}, "MAIL_FROM"),
        ({"mail_from": "a@b.example"}, "SMTP_URL"),
    ):
        with pytest.raises(InvalidInput) as refused:
            mail_of(replace(without, **given_))
        assert (refused.value.field, refused.value.message) == (missing, f"mail also needs {missing}")
    with pytest.raises(InvalidInput) as refused:
        mail_of(replace(without, smtp_url="smtp://h", mail_from="Trust, Inc"))
    assert refused.value.field == "MAIL_FROM"
