"""A notification as a mail: RFC 5322 headers, a plain text and a simple HTML of the same words.

Nothing in it is a secret: what it speaks of is read in the portal, after signing in. Headers keep
machines from answering it (RFC 3834 §5). An attempt that is repeated is the same message, with the
same ``Message-ID``, so that a mail system that got it twice can tell.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import is_readable
from trust_portal.notify.model import Delivery, Notification, Recipient
from trust_portal.notify.topics import RULES
from trust_portal.runtime.shipped import shipped

_HOST = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
#: Any server can carry seven bits.
_SEVEN_BITS = SMTP.clone(cte_type="7bit")
#: Left to itself, a long title begins on the line after ``Subject:``, which some programs take for none.
#: Encoded words (RFC 2047 §2) must be folded as they are.
_ONE_LINE = _SEVEN_BITS.clone(max_line_length=200)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every mail of an installation has in common. ``host`` names it in ``Message-ID`` and ``List-Id``."""

    sender: Address
    base_url: str
    host: str
    vendor: str


def write_letter(
    notification: Notification, delivery: Delivery, recipient: Recipient, letterhead: Letterhead
) -> EmailMessage:
    """``InvalidInput`` where the recipient's address cannot stand in a header."""
    head = letterhead
    message = EmailMessage(policy=_ONE_LINE if notification.title.isascii() else _SEVEN_BITS)
    message["From"] = head.sender
    message["To"] = mailbox(recipient.email, recipient.name)
    message["Subject"] = notification.title
    message["Date"] = notification.at
    message["Message-ID"] = f"<{delivery.id}@{head.host}>"
    thread = hashlib.sha256(f"{notification.origin_id}/{notification.thread}".encode()).hexdigest()[:32]
    message["References"] = f"<thread.{thread}@{head.host}>"
    message["List-Id"] = f"{RULES[notification.topic].title} <{notification.topic}.{head.host}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    words = {
        "notification": notification,
        "origin": None if notification.origin is None else notification.origin.name,
        "facts": [(_label(name), value) for name, value in notification.facts.items()],
        "link": head.base_url + notification.path,
        "preferences": f"{head.base_url}/account/notifications",
        "vendor": head.vendor,
        "insistent": RULES[notification.topic].insistent,
    }
    message.set_content(_templates().get_template("mail/notification.txt").render(words))
    message.add_alternative(_templates().get_template("mail/notification.html").render(words), subtype="html")
    return message


def mailbox(address: str, name: str = "") -> Address:
    """An address for a header; ``InvalidInput`` for one that could become two, or another header.

    The domain is spelled in ASCII (RFC 5891); a local part that is not needs a server with SMTPUTF8.
    """
    local, at, domain = address.rpartition("@")
    if not (at and local and domain and is_readable(address + name)) or any(c.isspace() for c in address):
        raise InvalidInput("this cannot stand in a mail's header", field="email")
    try:
        host = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidInput("this is no mail address", field="email") from error
    if not _HOST.fullmatch(host):
        raise InvalidInput("this is no mail address", field="email")
    return Address(name, local, host)


def hidden(address: str) -> str:
    """``c…@example.com``: what the log keeps, since it is kept for ever."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(shipped("templates")),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
