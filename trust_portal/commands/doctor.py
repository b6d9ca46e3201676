"""``doctor``: looks at an installation and says what to do about what is wrong."""

from __future__ import annotations

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import click
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from trust_portal.access.passkeys.relying_party import relying_party
from trust_portal.access.tenants.repository import tenants_by_id
from trust_portal.commands.console import installation, on_installation
from trust_portal.errors import TrustPortalError
from trust_portal.evidence.key_register import known_key_ids
from trust_portal.evidence.keyring import load_keyring, refuse_lost_keys
from trust_portal.notify.mail.setup import mail_of
from trust_portal.runtime.embedded.identity import server_identity
from trust_portal.runtime.migrate import newest_revision
from trust_portal.runtime.shipped import shipped
from trust_portal.settings import Settings
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.engine import create_engine
from trust_portal.storage.migration import ROLES
from trust_portal.storage.rounds import Rounds
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage

_OLDEST_POSTGRES = 150000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``remedy`` is empty where all is well."""

    what: str
    remedy: str = ""


@click.command()
@on_installation
@click.option(
    "--embedded", is_flag=True, help="Check what `trust-portal up` needs, not DATABASE_URL and REDIS_URL."
)
def doctor(*, embedded: bool) -> None:
    """Check this installation; exit status 1 if something needs doing."""
    findings = [_files(), _text_layout()]
    if embedded:
        findings.append(_embedded())
    else:
        try:
            findings += asyncio.run(_examine(installation()))
        except TrustPortalError as error:
            findings.append(Finding("settings", error.message))
    for finding in findings:
        click.echo(f"{'PROBLEM' if finding.remedy else 'ok     '}  {finding.what}")
        if finding.remedy:
            click.echo(f"         → {finding.remedy}")
    if any(finding.remedy for finding in findings):
        sys.exit(1)


async def _examine(settings: Settings) -> list[Finding]:
    database = [finding async for finding in _database(settings)]
    keys = _key_file(settings)
    rounds: list[Finding] = []
    if not any(finding.remedy for finding in database):
        rounds = await _rounds(settings)
        if not keys.remedy:
            keys = await _keys_of_database(settings, keys)
    return [keys, *database, *rounds, await _queue(settings), _passkeys(settings), await _mail(settings)]


def _passkeys(settings: Settings) -> Finding:
    try:
        party = relying_party(settings.base_url, settings.passkey_domain)
    except TrustPortalError as error:
        return Finding(f"passkeys at {settings.base_url}, which approvals are signed with", error.message)
    return Finding(f"passkeys, bound to {party.id}")


async def _mail(settings: Settings) -> Finding:
    """The mail server is spoken to as for a mail, and given none."""
    try:
        mail = mail_of(settings)
        if mail is None:
            return Finding("mail: none is sent, as SMTP_URL is not set")
        await mail.post_office.greet()
    except TrustPortalError as error:
        return Finding("mail", error.message)
    return Finding(f"mail, by {mail.post_office.name}")


def _files() -> Finding:
    try:
        for name in ("templates", "static", "migrations"):
            shipped(name)
    except TrustPortalError as error:
        return Finding("templates, static files, migrations", error.message)
    return Finding("templates, static files, migrations")


def _text_layout() -> Finding:
    try:
        import weasyprint  # noqa: F401, PLC0415 - loads the system's libraries, which is the question
    except OSError as error:
        return Finding(
            "text layout for PDFs",
            f"install Pango (Debian: apt-get install libpangoft2-1.0-0 libharfbuzz-subset0): {error}",
        )
    return Finding("text layout for PDFs")


def _embedded() -> Finding:
    try:
        identity = server_identity()
    except TrustPortalError as error:
        return Finding("a user for the embedded servers", error.message)
    return Finding(f"a user for the embedded servers ({identity})")


def _key_file(settings: Settings) -> Finding:
    path = settings.key_file
    if not path.exists():
        return Finding(f"signing keys: {path} will be made on first start")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(f"signing keys: {path} has mode {mode:o}", f"chmod 600 {path}")
    return Finding(f"signing keys: {path}")


async def _keys_of_database(settings: Settings, finding: Finding) -> Finding:
    """``finding`` about the file, unless the database's receipts are signed with other keys."""
    known = await known_key_ids(settings.database_url)
    try:
        if not settings.key_file.exists():
            refuse_lost_keys(settings.key_file, known)
        else:
            load_keyring(settings.key_file).follow(known)
    except TrustPortalError as error:
        return Finding(f"signing keys: {settings.key_file}", error.message)
    return Finding(f"{finding.what}, the ones this database knows") if known else finding


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        engine = create_engine(settings.database_url, pool_size=1, application_name="trust-portal doctor")
    except TrustPortalError as error:
        yield Finding("DATABASE_URL", error.message)
        return
    try:
        async with engine.connect() as connection:
            for finding in (
                await _server_version(connection),
                await _login(connection),
                await _schema(connection),
            ):
                yield finding
    except (OSError, DBAPIError) as error:
        yield Finding("PostgreSQL", f"it does not answer at DATABASE_URL: {_first_line(error)}")
    finally:
        await engine.dispose()


async def _rounds(settings: Settings) -> list[Finding]:
    """Of the workers' rounds, those that fail, and whom others fail for."""
    storage = Storage(
        create_engine(settings.database_url, pool_size=1, application_name="trust-portal doctor")
    )
    try:
        rounds = Rounds(storage)
        standings, setbacks = await rounds.standings(), await rounds.setbacks()
        given_up = await Backlog(storage).given_up()
        async with storage.read(StaffScope()) as session:
            tenants = await tenants_by_id(session, {each.subject for each in setbacks})
    finally:
        await storage.close()
    found = [
        Finding(
            f"the round {each.round} failed at {each.failed_at:%Y-%m-%d %H:%M} ({each.error}), and was last well "
            + ("never" if each.well_at is None else f"at {each.well_at:%Y-%m-%d %H:%M}"),
            "the worker's log has the trace; it is tried again by itself",
        )
        for each in standings
        if not each.is_well
    ]
    for setback in setbacks:
        tenant = tenants.get(setback.subject)
        whom = setback.subject if tenant is None else tenant.key
        found.append(
            Finding(
                f"{setback.round} fails for {whom} since {setback.first_at:%Y-%m-%d %H:%M}, "
                f"{setback.failures} {'time' if setback.failures == 1 else 'times'} ({setback.error}); it goes on for the others",
                f"the worker's log has the trace; the next attempt is at {setback.retry_at:%Y-%m-%d %H:%M}",
            )
        )
    if not found:
        found.append(Finding("the workers' rounds" if standings else "the workers' rounds: none has run yet"))
    if given_up:
        jobs = ", ".join(f"{job} {count}" for job, count in given_up.items())
        found.append(Finding(f"jobs that were given up, kept in the outbox: {jobs}"))
    return found


async def _server_version(connection: AsyncConnection) -> Finding:
    number = int(await connection.scalar(text("SHOW server_version_num")) or 0)
    what = f"PostgreSQL {number // 10000}"
    return Finding(what, "" if number >= _OLDEST_POSTGRES else "15 is the oldest that works; upgrade it")


async def _login(connection: AsyncConnection) -> Finding:
    what = "the login is an ordinary one and may step down to the trust_portal roles"
    privileged = await connection.scalar(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    )
    if privileged:
        return Finding(
            what, "use a login without SUPERUSER and BYPASSRLS: tenants rest on row-level security"
        )
    member = await connection.scalar(
        text(
            "SELECT count(*) FROM pg_roles WHERE rolname = ANY (:roles)"
            " AND pg_has_role(current_user, oid, 'MEMBER')"
        ),
        {"roles": list(ROLES)},
    )
    if member != len(ROLES):
        return Finding(what, "run `trust-portal migrate` with a login that has CREATEROLE")
    return Finding(what)


async def _schema(connection: AsyncConnection) -> Finding:
    newest = newest_revision()
    exists = await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    found = await connection.scalar(text("SELECT version_num FROM alembic_version")) if exists else None
    if found == newest:
        return Finding(f"schema {found}")
    return Finding(f"schema {found or 'absent'}, this program needs {newest}", "run `trust-portal migrate`")


async def _queue(settings: Settings) -> Finding:
    try:
        client = Redis.from_url(settings.redis_url, socket_connect_timeout=5)
        try:
            await client.ping()
        finally:
            await client.aclose()
    except (OSError, ValueError, RedisError) as error:
        return Finding("Valkey or Redis", f"it does not answer at REDIS_URL: {_first_line(error)}")
    return Finding("Valkey or Redis")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
