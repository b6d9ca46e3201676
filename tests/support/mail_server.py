"""An SMTP server as a process of its own, on aiosmtpd; what it took lies in a folder, a file a message.

How it behaves is in the recipient's local part: ``later-2`` is put off twice (451), ``never`` is
refused (550), ``spam`` is refused after the data (554). With ``--tls`` it offers STARTTLS under a
certificate that the folder holds and insists on it; with ``--user`` it also wants a password.

    python tests/support/mail_server.py FOLDER [--tls] [--user NAME:PASSWORD]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.certificates import certificate, trust_in


@dataclass(frozen=True)
class MailServerProcess:
    port: int
    folder: Path
    pid: int

    def taken(self) -> list[EmailMessage]:
        """What it said yes to, in order."""
        return [message for _, message in self._read()]

    def recipients(self) -> list[list[str]]:
        return [envelope["to"] for envelope, _ in self._read()]

    def _read(self) -> list[tuple[dict[str, list[str]], EmailMessage]]:
        found = []
        for path in sorted(self.folder.glob("*.eml")):
            envelope = json.loads(path.with_suffix(".json").read_text())
            found.append((envelope, message_from_bytes(path.read_bytes(), policy=default)))
        return found

    def trust(self) -> ssl.SSLContext:
        """Trust in its certificate and no other."""
        return trust_in(self.folder)


class Handler:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: Counter[str] = Counter()
        self._count = 0

    async def handle_RCPT(self, server, session, envelope: Envelope, address: str, options) -> str:  # noqa: N802 - aiosmtpd's name
        local = address.rpartition("@")[0]
        self._seen[address] += 1
        if local == "never":
            return "550 5.1.1 no such mailbox"
        if local.startswith("later-") and self._seen[address] <= int(local.partition("-")[2]):
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        if envelope.rcpt_tos[0].startswith("spam@"):
            return "554 5.7.1 this looks like spam"
        self._count += 1
        path = self._folder / f"{self._count:04d}.eml"
        path.with_suffix(".json").write_text(json.dumps({"to": envelope.rcpt_tos}))
        draft = path.with_suffix(".draft")
        draft.write_bytes(envelope.content)
        draft.rename(path)
        return f"250 2.0.0 Ok: queued as {self._count:04d}"


async def serve(folder: Path, *, tls: bool, user: str | None) -> None:
    handler = Handler(folder)
    context = certificate(folder) if tls else None

    def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
        given = f"{data.login.decode()}:{data.password.decode()}"
        return AuthResult(success=given == user, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            handler,
            enable_SMTPUTF8=True,
            tls_context=context,
            require_starttls=tls,
            authenticator=authenticate if user else None,
            auth_required=user is not None,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def mail_server(folder: Path, *arguments: str) -> Iterator[MailServerProcess]:
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, str(folder), *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield MailServerProcess(int(process.stdout.readline()), folder, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


if __name__ == "__main__":
    PARSER = argparse.ArgumentParser()
    PARSER.add_argument("folder", type=Path)
    PARSER.add_argument("--tls", action="store_true")
    PARSER.add_argument("--user")
    GIVEN = PARSER.parse_args()
    asyncio.run(serve(GIVEN.folder, tls=GIVEN.tls, user=GIVEN.user))
