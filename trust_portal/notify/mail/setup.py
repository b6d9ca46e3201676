"""Mail as the settings have it."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr

from trust_portal.errors import InvalidInput
from trust_portal.notify.mail.letter import Letterhead, mailbox
from trust_portal.notify.mail.post_office import MailServer, PostOffice
from trust_portal.settings import Settings


@dataclass(frozen=True, slots=True)
class Mail:
    post_office: PostOffice
    letterhead: Letterhead


def mail_of(settings: Settings) -> Mail | None:
    """None without ``SMTP_URL``. ``InvalidInput`` where that and ``MAIL_FROM`` do not fit together."""
    if settings.smtp_url is None and settings.mail_from is None:
        return None
    if settings.smtp_url is None or settings.mail_from is None:
        missing = "SMTP_URL" if settings.smtp_url is None else "MAIL_FROM"
        raise InvalidInput(f"mail also needs {missing}", field=missing)
    name, address = parseaddr(settings.mail_from)
    try:
        sender = mailbox(address, name)
    except InvalidInput as refusal:
        raise InvalidInput(
            "write it as Trust at Vendor <trust@vendor.example>", field="MAIL_FROM"
        ) from refusal
    server = MailServer.parse(settings.smtp_url)
    return Mail(
        PostOffice(server), Letterhead(sender, settings.base_url, settings.host, settings.vendor_name)
    )
