"""``trust-portal tenants | people | tokens`` as an operator runs them."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner

from trust_portal.access.credentials import parse_cookie, parse_token
from trust_portal.cli import cli
from trust_portal.errors import Conflict, InvalidInput, NotFound


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("BASE_URL", "https://trust.example")

    async def run(*arguments):
        # A thread of its own, because the commands bring their own event loop.
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


async def test_from_nothing_to_a_signed_in_person(run):
    assert "created" in await run(
        "tenants", "add", "acme", "--name", "Acme Ltd", "--time-zone", "Europe/Berlin"
    )
    assert "Europe/Berlin  Acme Ltd" in await run("tenants", "list")
    await run(
        "people",
        "add",
        "vera@acme.example",
        "--tenant",
        "acme",
        "--name",
        "Vera",
        "--role",
        "customer_viewer",
    )
    assert "vera@acme.example  Vera  customer_viewer" in await run("people", "list", "--tenant", "acme")

    url = await run("people", "sign-in-link", "vera@acme.example")

    assert url.startswith("https://trust.example/sign-in/link/")
    assert parse_cookie(url.splitlines()[0].rpartition("/")[2]) is not None


async def test_a_token_is_printed_once_and_revoked(run):
    await run(
        "people", "add", "s@vendor.example", "--tenant", "vendor", "--name", "S", "--role", "sre_operator"
    )
    secret = await run(
        "tokens", "create", "probe", "--for", "s@vendor.example", "--scope", "ingest", "--source", "//probe"
    )
    assert parse_token(secret.splitlines()[0]) is not None

    [line] = (await run("tokens", "list")).splitlines()
    assert line.endswith("usable  ingest  never used  probe")
    await run("tokens", "revoke", line.split()[0])
    assert "spent  ingest" in await run("tokens", "list")


async def test_roles_are_given_and_taken_and_people_locked_out(run):
    await run("people", "add", "s@vendor.example", "--tenant", "vendor", "--name", "S")
    await run("people", "grant", "s@vendor.example", "csm")
    assert "S  csm" in await run("people", "list", "--tenant", "vendor")
    await run("people", "revoke", "s@vendor.example", "csm")
    await run("people", "suspend", "s@vendor.example")
    assert "S  no role  (suspended)" in await run("people", "list", "--tenant", "vendor")


async def test_what_cannot_be_is_refused_and_nothing_is_added(run):
    await run("tenants", "add", "acme", "--name", "Acme")

    for error, arguments in (
        (Conflict, ("tenants", "add", "acme", "--name", "Again")),
        (InvalidInput, ("tenants", "add", "Acme!", "--name", "Acme")),
        (NotFound, ("people", "add", "a@b.example", "--tenant", "nobody", "--name", "A")),
        (InvalidInput, ("people", "add", "a@b.example", "--tenant", "acme", "--name", "A", "--role", "csm")),
        (
            InvalidInput,
            ("people", "add", "a@b.example", "--tenant", "acme", "--name", "A", "--role", "auditor"),
        ),
        (NotFound, ("people", "sign-in-link", "a@b.example")),
        (NotFound, ("tokens", "create", "x", "--for", "a@b.example", "--scope", "read")),
    ):
        with pytest.raises(error):
            await run(*arguments)

    assert len((await run("tenants", "list")).splitlines()) == 1
    assert await run("people", "list", "--tenant", "acme") == ""
