"""The operator's mail server, by SMTP (RFC 5321) over TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import readable_line
from trust_portal.notify.model import Answer, Verdict

_TIMEOUT: Final = 30.0
_MAX_WORDS: Final = 300
#: RFC 5321 §4.2.1: the server will not take it, however often it is asked.
_PERMANENT: Final = range(500, 600)
_PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """``tls``: ``starttls`` (asked for and insisted on), ``implicit`` (RFC 8314 §3), or ``none``."""

    host: str
    port: int
    tls: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """``smtp://[user:password@]host[:587][?tls=none]`` or ``smtps://…[:465]``.

        ``InvalidInput`` (``SMTP_URL``) for anything else, and for a password in the clear.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _refused("this is no URL") from error
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/"):
            raise _refused("write it as smtp://user:password@host:587 or smtps://user:password@host:465")
        options = parse_qs(parts.query)
        if set(options) - {"tls"} or options.get("tls", ["none"]) != ["none"]:
            raise _refused("the only option is ?tls=none, for a relay on a network of your own")
        tls = "implicit" if parts.scheme == "smtps" else "starttls"
        if options:
            if tls == "implicit":
                raise _refused("smtps:// is TLS; take smtp:// for a relay without")
            tls = "none"
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if (user is None) != (password is None):
            raise _refused("give a user and a password, or neither")
        if password and tls == "none":
            raise _refused("a password is not sent without TLS")
        return cls(parts.hostname, port or _PORTS[parts.scheme], tls, user, password)


class PostOffice:
    """Hands mails over, one connection each: they are few, and each has its own answer.

    ``context`` replaces the system's trust in certificates, for a server with one of its own.
    """

    def __init__(self, server: MailServer, *, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context or ssl.create_default_context()

    @property
    def name(self) -> str:
        """Host and port, without what signs in there."""
        return f"{self._server.host}:{self._server.port}"

    async def send(self, message: EmailMessage) -> Answer:
        """What the server said. A refusal of the recipient or the mail is final, everything else is not."""
        sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
        try:
            async with self._connection() as smtp:
                # RFC 6531: an address beyond ASCII asks for a server that knows of such.
                beyond_ascii = not recipient.isascii()
                if beyond_ascii and smtp.is_ehlo_or_helo_needed:
                    await smtp.ehlo()
                if beyond_ascii and not smtp.supports_extension("smtputf8"):
                    words = "the mail server takes no address with letters beyond ASCII"
                    return Answer(Verdict.FAILED, words, peer=self._server.host, final=True)
                _, words = await smtp.sendmail(
                    sender,
                    [recipient],
                    message.as_bytes(policy=cast("EmailPolicy", message.policy).clone(utf8=beyond_ascii)),
                    mail_options=["SMTPUTF8"] if beyond_ascii else [],
                )
            return Answer(Verdict.DELIVERED, readable_line(words, _MAX_WORDS), 250, self._server.host)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return self._failed(refused.recipients[0], about_the_mail=True)
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as refused:
            return self._failed(refused, about_the_mail=True)
        except aiosmtplib.SMTPResponseException as refused:
            # Signing in, or the sender's address: the operator can mend that, and the mail then goes.
            return self._failed(refused, about_the_mail=False)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            words = readable_line(str(error) or type(error).__name__, _MAX_WORDS)
            return Answer(Verdict.FAILED, words, peer=self._server.host)

    async def greet(self) -> None:
        """Connect, EHLO, TLS as it is set, sign in, say goodbye; no mail is sent.

        ``InvalidInput`` (``SMTP_URL``) where that does not work, with what to do about it.
        """
        try:
            async with self._connection() as smtp:
                await smtp.ehlo()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            words = readable_line(str(error) or type(error).__name__, _MAX_WORDS)
            raise _refused(f"the mail server does not take us in: {words}; {self._advice(error)}") from error

    def _connection(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=self._context,
            timeout=_TIMEOUT,
        )

    def _advice(self, error: Exception) -> str:
        """What an operator does about it."""
        server = self._server
        match error:
            case aiosmtplib.SMTPAuthenticationError():
                return "correct the user and the password in SMTP_URL"
            case aiosmtplib.SMTPNotSupported() if server.user is not None:
                return "it takes no password: leave the user out of SMTP_URL, or ask for one that does"
            case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
                return (
                    f"SMTP_URL must name the host that its certificate is for ({server.host}?), and this machine "
                    "must trust whoever signed it"
                )
            case aiosmtplib.SMTPException() if "STARTTLS" in str(error):
                return "it offers no STARTTLS: take smtps://…:465, or ?tls=none for a relay on a network of your own"
            case _:
                return f"check host and port in SMTP_URL, and that this machine may reach {server.host}:{server.port}"

    def _failed(self, refused: aiosmtplib.SMTPResponseException, *, about_the_mail: bool) -> Answer:
        return Answer(
            Verdict.FAILED,
            readable_line(f"{refused.code} {refused.message}", _MAX_WORDS),
            refused.code,
            self._server.host,
            final=about_the_mail and refused.code in _PERMANENT,
        )


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="SMTP_URL")
