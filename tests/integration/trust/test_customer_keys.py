"""A customer's own key over what is stored: sealed, opened unchanged, rotated, withdrawn, and honest when it is gone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Never
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import make_url
from support.sequencing import sequencing

from jobs.exports import seal as seal_job
from jobs.posture import check as look_job
from trust_portal.access.actors import CONSOLE
from trust_portal.access.customer_keys.model import SetCustomerKey
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, Denied, InvalidInput, Unavailable
from trust_portal.evidence.audit import AuditCode, AuditTotals, audit
from trust_portal.evidence.export import Export, ExportState, RenderedDocument
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.log_policy import log_policy
from trust_portal.evidence.reproduction import reproduce_all
from trust_portal.evidence.sealing.key_service import KeyService
from trust_portal.evidence.sealing.model import KeyAct
from trust_portal.evidence.sealing.patience import Patient
from trust_portal.evidence.sealing.sealing import Sealing
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.period import parse_period
from trust_portal.storage.errors import APPEND_ONLY_SQLSTATE
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.model import ControlState, Evaluate, Party
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.posture.model import Check, Outcome, PostureCheck
from trust_portal.trust.posture.section import gather
from trust_portal.trust.sections.model import Section, State

pytestmark = pytest.mark.takes(seconds=20)

WORDS = b"Dear customer, this is yours alone.\n"


class Letters:
    async def render(self, session: ReadSession, export: Export) -> RenderedDocument:
        del session, export
        files = {"letter.txt": WORDS, "inputs/words.csv": b"word\nyours\nalone\n"}
        return RenderedDocument(files=files, tenant="acme", period="2026-06", file_name="letter.zip")


@dataclass
class Desk:
    house: House
    exports: Exports
    tenant_id: UUID
    admin: Actor
    keys: Path

    async def bundle(self, revision: int = 1) -> Export:
        async with self.house.storage.write(TenantScope(self.tenant_id)) as session:
            asked = await self.exports.request(
                session,
                kind="letter",
                tenant_id=self.tenant_id,
                subject_id=UUID(int=7),
                revision=revision,
                actor=SYSTEM,
            )
        return await self.exports.build(self.tenant_id, asked.id)

    async def act(self, act: KeyAct) -> None:
        await self.house.customer_keys.set(SetCustomerKey(self.tenant_id, act, "As agreed"), self.admin)

    async def download(self, export: Export) -> bytes:
        return (await self.house.archive.download(self.admin, self.tenant_id, export.id)).content

    async def stored(self) -> list[bytes]:
        """Everything that is in the rows of this tenant's exports."""
        async with self.house.storage.read(TenantScope(self.tenant_id)) as session:
            driver = await session.driver()
            files = await driver.fetch(
                "SELECT content FROM export_files WHERE tenant_id = $1", self.tenant_id
            )
            bundles = await driver.fetch("SELECT content FROM artefacts WHERE tenant_id = $1", self.tenant_id)
        return [row["content"] for row in (*files, *bundles)]

    async def is_readable(self) -> bool:
        """Whether anything stored begins as a bundle does, or holds words of the letter."""
        stored = await self.stored()
        assert stored
        return any(each.startswith(b"PK") or b"customer" in each for each in stored)

    async def posture(self) -> PostureCheck:
        return (await self.house.posture.check(self.tenant_id, SYSTEM))[2]

    async def findings(self) -> list[AuditCode]:
        found = audit(self.house.storage, AuditTotals(), self.tenant_id, vault=self.house.vault)
        again = reproduce_all(self.house.storage, self.exports, AuditTotals(), self.tenant_id)
        return [each.code async for each in found] + [each.code async for each in again]


@pytest.fixture
async def desk(house: House, tmp_path: Path) -> AsyncIterator[Desk]:
    tenant_id = (await house.tenants.create(CreateTenant("acme", "Acme"), CONSOLE)).id
    exports = Exports(
        house.storage,
        house.ledger,
        {"letter": Letters()},
        host=house.settings.host,
        vendor="Vendor Ltd",
        vault=house.vault,
    )
    admin = Actor(ActorKind.PERSON, new_id(), "Carla", tenant_id, frozenset({Role.CUSTOMER_ADMIN}))
    async with sequencing(house):
        yield Desk(house, exports, tenant_id, admin, tmp_path / "customer-keys")


async def test_what_is_stored_is_sealed_and_comes_out_as_it_was(desk: Desk) -> None:
    before = await desk.bundle()
    plain = await desk.download(before)
    assert await desk.is_readable()
    assert (await desk.posture()).finding.outcome is Outcome.NOT_APPLICABLE
    await desk.act(KeyAct.ENABLE)
    assert (await desk.posture()).finding.found == "A bundle is still stored without a seal."
    await _do_waiting(desk)
    after = await desk.bundle(revision=2)
    assert after.state is ExportState.READY
    assert not await desk.is_readable()
    assert await desk.download(before) == plain
    opened = await desk.download(after)
    assert hashlib.sha256(opened).hexdigest() == after.digest
    assert await desk.house.archive.file(desk.admin, desk.tenant_id, after.id, "letter.txt") == WORDS
    async with desk.house.storage.write(TenantScope(desk.tenant_id)) as session:
        origin = await open_log(
            await session.driver(), desk.tenant_id, desk.house.settings.host, session.clock.now()
        )
        policy = await log_policy(session, desk.tenant_id, origin)
    for content in (plain, opened):
        assert verify(content, policy=policy).findings == ()
    assert await desk.findings() == []
    assert (await desk.house.receipt_audits.run(desk.tenant_id, SYSTEM)).findings == ()
    check = await desk.posture()
    assert (check.finding.check, check.finding.outcome) == (Check.CUSTOMER_KEY, Outcome.PASS)
    use = check.finding.evidence["use"]
    assert isinstance(use, dict)
    assert use["opened"] == {"export": str(after.id), "sha256": after.digest}
    assert (await desk.posture()).finding.evidence["use"] != use  # another nonce, another signature


async def test_rotated_what_the_old_key_wrapped_is_wrapped_anew_and_the_old_key_can_go(desk: Desk) -> None:
    await desk.act(KeyAct.ENABLE)
    export = await desk.bundle()
    opened, sealed = await desk.download(export), await desk.stored()
    (old,) = desk.keys.iterdir()
    await desk.act(KeyAct.ROTATE)
    assert await desk.download(export) == opened  # between the act and the job too
    await desk.house.sealing.run(desk.tenant_id)
    old.unlink()
    assert await desk.download(export) == opened
    assert await desk.stored() == sealed
    assert (await desk.posture()).finding.outcome is Outcome.PASS
    acts = await desk.house.customer_keys.history(desk.admin, desk.tenant_id)
    assert [each.act for each in acts] == [KeyAct.ROTATE, KeyAct.ENABLE]
    assert VerifyKey(acts[0].public_key).key_id == acts[0].key_id != acts[1].key_id


async def test_what_a_lost_key_keeps_shut_holds_up_no_other_export_and_is_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trust_portal.evidence.sealing.sealing.AT_ONCE", 1)
    await desk.act(KeyAct.ENABLE)
    lost = await desk.bundle()
    (first,) = desk.keys.iterdir()
    await desk.act(KeyAct.ROTATE)
    first.unlink()
    second = next(iter(desk.keys.iterdir()))
    later = await desk.bundle(revision=2)
    opened = await desk.download(later)
    await desk.act(KeyAct.ROTATE)
    for touched in (True, False):
        before = await desk.stored()
        with pytest.raises(Conflict) as refused:
            await desk.house.sealing.run(desk.tenant_id)
        assert refused.value.code == "KEY_MISSING"
        assert refused.value.message.endswith(f"; passed over: {lost.id}")
        assert await desk.stored() == before, "a data key is wrapped anew; what it seals stays"
        async with desk.house.storage.read(TenantScope(desk.tenant_id)) as session:
            rows = await (await session.driver()).fetch(
                "SELECT predicate_type FROM receipts WHERE tenant_id = $1 AND kind = 'byok.sealed'",
                desk.tenant_id,
            )
        assert len(rows) == 1, touched
    second.unlink()
    assert await desk.download(later) == opened, "it is under the third key by now"
    with pytest.raises(Conflict):
        await desk.download(lost)


async def test_a_withdrawn_key_opens_nothing_and_stores_nothing_until_it_is_enabled_again(desk: Desk) -> None:
    await desk.act(KeyAct.ENABLE)
    export = await desk.bundle()
    opened, sealed = await desk.download(export), await desk.stored()
    await desk.act(KeyAct.WITHDRAW)
    with pytest.raises(Conflict, match="withdrawn the key") as refused:
        await desk.download(export)
    assert (refused.value.code, refused.value.status) == ("KEY_WITHDRAWN", 409)
    failed = await desk.bundle(revision=2)
    assert failed.state is ExportState.FAILED
    assert "withdrawn the key" in (failed.failure or "")
    assert await desk.stored() == sealed
    assert (await desk.posture()).finding.outcome is Outcome.FAIL
    assert await desk.findings() == [AuditCode.ARTEFACT_WITHHELD, AuditCode.NOT_REPRODUCIBLE]
    await desk.house.receipt_audits.run(desk.tenant_id, CONSOLE)
    evaluated = await desk.house.compliance.evaluate(Evaluate(desk.tenant_id, "we looked"), CONSOLE)
    (audited,) = (
        each
        for each in evaluated.results
        if each.control == "receipts-audited" and each.party is Party.TENANT
    )
    assert (audited.state, audited.why, audited.gaps) == (
        ControlState.NOT_EVALUATED,
        "1 bundle sealed under a key the customer withdrew",
        (),
    )
    with pytest.raises(Conflict):
        await desk.act(KeyAct.ROTATE)
    await desk.act(KeyAct.ENABLE)
    assert await desk.download(export) == opened


async def test_withdrawn_before_everything_was_sealed_what_is_stored_plain_is_not_handed_out_either(
    desk: Desk,
) -> None:
    export = await desk.bundle()
    opened = await desk.download(export)
    await desk.act(KeyAct.ENABLE)
    await desk.act(KeyAct.WITHDRAW)
    assert await desk.is_readable(), "no job has come to it"
    for handed_out in (
        desk.download(export),
        desk.house.archive.file(desk.admin, desk.tenant_id, export.id, "letter.txt"),
        desk.house.archive.broken_example(desk.admin, desk.tenant_id),
        desk.exports.reproduce(desk.tenant_id, export.id),
    ):
        with pytest.raises(Conflict) as refused:
            await handed_out
        assert refused.value.code == "KEY_WITHDRAWN"
    assert not await desk.house.archive.has_broken_example(desk.admin, desk.tenant_id), "nor offered"
    await desk.act(KeyAct.ENABLE)
    assert await desk.house.archive.has_broken_example(desk.admin, desk.tenant_id)
    assert await desk.download(export) == opened


async def test_a_key_that_is_gone_or_another_refuses_and_changes_nothing(desk: Desk) -> None:
    await desk.act(KeyAct.ENABLE)
    export = await desk.bundle()
    opened, sealed = await desk.download(export), await desk.stored()
    (file,) = desk.keys.iterdir()
    content = file.read_bytes()
    file.write_bytes(json.dumps(json.loads(content) | {"seed": "A" * 43 + "="}).encode())
    with pytest.raises(Conflict) as wrong:
        await desk.download(export)
    assert wrong.value.code == "KEY_WRONG"
    file.unlink()
    with pytest.raises(Conflict) as missing:
        await desk.download(export)
    assert missing.value.code == "KEY_MISSING"
    check = await desk.posture()
    assert check.finding.outcome is Outcome.FAIL
    assert "no longer has the customer's key" in check.finding.found
    assert await desk.stored() == sealed
    file.touch(mode=0o600)
    file.write_bytes(content)
    assert await desk.download(export) == opened


#: A worker that seals and is killed with the second export half done: its rows are written, nothing is committed.
DIES: Final = """
import asyncio, os, signal, sys
from uuid import UUID
from trust_portal.evidence.sealing import sealing
from trust_portal.house import build_house
from trust_portal.settings import load_settings

replace, calls = sealing.replace_with_sealed, []

async def dies(*given):
    calls.append(given)
    await replace(*given)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

async def seal():
    house = build_house(load_settings())
    await house.open()
    await house.sealing.run(UUID(sys.argv[1]))

sealing.AT_ONCE, sealing.replace_with_sealed = 1, dies
asyncio.run(seal())
"""


async def test_killed_in_the_middle_of_sealing_nothing_is_lost_and_it_goes_on(desk: Desk) -> None:
    made = [await desk.bundle(revision) for revision in (1, 2, 3)]
    plain = [await desk.download(export) for export in made]
    await desk.act(KeyAct.ENABLE)
    house = desk.house
    silent = Sealing(house.storage, house.ledger, Vault(Patient(Silent(), timedelta(milliseconds=20))))
    before = await desk.stored()
    with pytest.raises(Unavailable, match="the key service was asked to wrap and did not answer"):
        await silent.run(desk.tenant_id)
    assert await desk.stored() == before, "a silent key service leaves everything as it was"

    settings = house.settings
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "KEY_FILE": str(settings.key_file),
        "BASE_URL": settings.base_url,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES, str(desk.tenant_id), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == -signal.SIGKILL
    assert [await desk.download(export) for export in made] == plain
    assert (await desk.posture()).finding.evidence["unsealed"] == "2"
    assert await house.sealing.run(desk.tenant_id) == 2
    assert not await desk.is_readable()
    assert [await desk.download(export) for export in made] == plain
    assert await desk.findings() == []


class Silent:
    """A key service that never answers."""

    async def _wait(self, *asked: object) -> Never:
        del asked
        await asyncio.Event().wait()
        raise AssertionError("nobody rings")

    create = wrap = unwrap = prove = _wait


class Watched:
    """A key service before each call of which ``meanwhile`` happens."""

    def __init__(self, service: KeyService, meanwhile: Callable[[str], Awaitable[None]]) -> None:
        self._service = service
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def asked(*given: object) -> Any:
            await self._meanwhile(name)
            return await getattr(self._service, name)(*given)

        return asked


#: Connections of the database that hold a transaction open and do nothing in it.
_HELD: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
"""


async def test_no_transaction_waits_for_the_key_service(desk: Desk) -> None:
    await desk.bundle()
    asked: list[str] = []
    held: list[str] = []
    url = make_url(desk.house.settings.database_url or "").set(drivername="postgresql")
    watch = await asyncpg.connect(url.render_as_string(hide_password=False))

    async with desk.house.storage.read(TenantScope(desk.tenant_id)) as session:
        await (await session.driver()).fetchval("SELECT 1")
        assert await watch.fetchval(_HELD), "the watch sees a transaction that waits"

    async def look(call: str) -> None:
        asked.append(call)
        for _ in range(50):  # the sequencer's come and go; what waits for this call stays
            if not await watch.fetchval(_HELD):
                return
            await asyncio.sleep(0.02)
        held.append(call)

    desk.house.vault._service = Watched(desk.house.vault.service, look)
    try:
        await desk.act(KeyAct.ENABLE)
        await desk.house.sealing.run(desk.tenant_id)
        export = await desk.bundle(revision=2)
        await desk.download(export)
        await desk.house.archive.file(desk.admin, desk.tenant_id, export.id, "letter.txt")
        assert (await desk.posture()).finding.outcome is Outcome.PASS
        assert await desk.findings() == []
        await desk.act(KeyAct.ROTATE)
        await desk.house.sealing.run(desk.tenant_id)
    finally:
        await watch.close()
    assert held == []
    assert set(asked) == {"create", "prove", "unwrap", "wrap"}
    assert len(asked) > 20


async def test_a_key_service_that_is_gone_between_two_transactions_leaves_nothing_half_done(
    desk: Desk,
) -> None:
    await desk.act(KeyAct.ENABLE)
    service = desk.house.vault.service

    async def gone(call: str) -> None:
        raise Unavailable(f"nobody answers to {call}")

    desk.house.vault._service = Watched(service, gone)
    with pytest.raises(Unavailable, match="nobody answers to wrap"):
        await desk.bundle()
    assert await desk.stored() == []
    desk.house.vault._service = service
    export = await desk.bundle()
    assert export.state is ExportState.READY
    assert await desk.house.archive.file(desk.admin, desk.tenant_id, export.id, "letter.txt") == WORDS
    assert await desk.findings() == []


@pytest.mark.parametrize("act", [KeyAct.ROTATE, KeyAct.WITHDRAW])
async def test_what_was_sealed_is_not_stored_where_the_key_was_changed_meanwhile(
    desk: Desk, act: KeyAct
) -> None:
    before = await desk.bundle(revision=7)
    opened, plain = await desk.download(before), await desk.stored()
    await desk.act(KeyAct.ENABLE)
    service = desk.house.vault.service

    async def meanwhile(call: str) -> None:
        if call == "wrap":
            desk.house.vault._service = service
            await desk.act(act)

    desk.house.vault._service = Watched(service, meanwhile)
    if act is KeyAct.ROTATE:
        with pytest.raises(Unavailable, match="the customer's key was changed meanwhile") as refused:
            await desk.bundle()
        assert refused.value.code == "KEY_CHANGED"
    else:
        assert (await desk.bundle()).state is ExportState.FAILED
    assert await desk.stored() == plain
    if act is KeyAct.WITHDRAW:
        await desk.act(KeyAct.ENABLE)
    desk.house.vault._service = Watched(service, meanwhile)
    with pytest.raises((Unavailable, Conflict)):
        await desk.house.sealing.run(desk.tenant_id)
    assert await desk.stored() == plain, "the job stores nothing either"
    if act is KeyAct.WITHDRAW:
        await desk.act(KeyAct.ENABLE)
    export = await desk.bundle()
    assert export.state is ExportState.READY
    assert await desk.house.sealing.run(desk.tenant_id) == 1
    assert not await desk.is_readable()
    assert await desk.download(before) == opened
    assert (await desk.posture()).finding.outcome is Outcome.PASS


async def test_each_act_asks_for_a_look_and_until_it_is_made_no_report_says_how_the_key_stood_before(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.bundle()
    assert await looks(desk) == 0
    for act, found in (
        (KeyAct.ENABLE, Outcome.FAIL),
        (KeyAct.WITHDRAW, Outcome.FAIL),
        (KeyAct.ENABLE, Outcome.FAIL),
        (KeyAct.ROTATE, Outcome.FAIL),
    ):
        await desk.posture()
        assert (await section_of(desk)).state is State.FRESH
        clock.advance(timedelta(hours=1))
        await desk.act(act)
        section = await section_of(desk)
        assert (section.state, section.why) == (
            State.STALE,
            "the customer's key was changed since the look",
        )
        view = await desk.house.posture.view(desk.admin, desk.tenant_id)
        assert view.overtaken == {Check.CUSTOMER_KEY: section.why}
        assert await looks(desk) == 1, act
        assert (await section_of(desk)).state is State.FRESH
        latest = (await desk.house.posture.view(desk.admin, desk.tenant_id)).latest
        assert latest[2].finding.outcome is found, "something is not sealed, or nothing is handed out"
    assert await desk.house.sealing.run(desk.tenant_id) == 1
    assert await looks(desk) == 1, "what was found unsealed is sealed now"
    latest = (await desk.house.posture.view(desk.admin, desk.tenant_id)).latest
    assert latest[2].finding.outcome is Outcome.PASS
    assert await desk.house.sealing.run(desk.tenant_id) == 0
    assert await looks(desk) == 0


async def test_the_section_names_the_looks_receipt_and_where_it_stands_in_the_log(desk: Desk) -> None:
    receipt_id = (await desk.posture()).receipt_id
    await desk.house.ledger.wait(desk.tenant_id, receipt_id, 60)
    async with desk.house.storage.read(TenantScope(desk.tenant_id)) as session:
        entry = await (await session.driver()).fetchval(
            "SELECT index FROM log_entries WHERE tenant_id = $1 AND receipt_id = $2",
            desk.tenant_id,
            receipt_id,
        )
    (row,) = (await section_of(desk)).table("evidence").rows
    assert [cell.value for cell in row.cells[:2]] == [str(receipt_id), str(entry)]


async def test_a_refused_act_asks_for_no_look(desk: Desk) -> None:
    with pytest.raises(Conflict):
        await desk.act(KeyAct.WITHDRAW)
    assert await looks(desk) == 0


async def looks(desk: Desk) -> int:
    """Make the looks at posture that were asked for; how many those were."""
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch("SELECT id, arguments FROM outbox WHERE job = $1", Job.CHECK_POSTURE.value)
    for row in rows:
        assert dict(row["arguments"]) == {"tenant": str(desk.tenant_id)}
        await look_job(desk.house, row["id"], dict(row["arguments"]))
    return len(rows)


async def section_of(desk: Desk) -> Section:
    """As a Trust Report would have it now."""
    async with desk.house.storage.read(StaffScope()) as session:
        tenant = await find_tenant(session, desk.tenant_id)
        assert tenant is not None
        ask = Ask(tenant, parse_period("2026-06", tenant.time_zone), desk.house.clock.now())
        return await gather(session, ask)


async def test_only_the_customers_administrator_says_and_says_why(desk: Desk) -> None:
    staff = Actor(ActorKind.PERSON, new_id(), "Ada", VENDOR_ID, frozenset({Role.VENDOR_ADMIN}))
    with pytest.raises(Denied):
        await desk.house.customer_keys.set(SetCustomerKey(desk.tenant_id, KeyAct.ENABLE, "Because"), staff)
    with pytest.raises(InvalidInput):
        SetCustomerKey(desk.tenant_id, KeyAct.ENABLE, " ")
    for act, code in ((KeyAct.ROTATE, "NOT_ENABLED"), (KeyAct.WITHDRAW, "NOT_ENABLED")):
        with pytest.raises(Conflict) as refused:
            await desk.act(act)
        assert refused.value.code == code
    assert await desk.house.customer_keys.history(desk.admin, desk.tenant_id) == ()
    assert not desk.keys.exists()


async def test_a_row_becomes_sealed_once_and_changes_in_no_other_way(desk: Desk) -> None:
    await desk.bundle()
    await desk.act(KeyAct.ENABLE)
    plainly = "UPDATE artefacts SET content = 'x' WHERE tenant_id = $1"
    again = "UPDATE artefacts SET content = 'x', sealed = true WHERE tenant_id = $1"
    back = "UPDATE export_files SET sealed = false WHERE tenant_id = $1"
    for statement in (plainly,):
        assert await _refused(desk, statement) == APPEND_ONLY_SQLSTATE
    await desk.house.sealing.run(desk.tenant_id)
    for statement in (plainly, again, back):
        assert await _refused(desk, statement) == APPEND_ONLY_SQLSTATE


async def _refused(desk: Desk, statement: str) -> str:
    with pytest.raises(asyncpg.PostgresError) as caught:
        async with desk.house.storage.write(TenantScope(desk.tenant_id)) as session:
            await (await session.driver()).execute(statement, desk.tenant_id)
    return str(caught.value.sqlstate)


async def _do_waiting(desk: Desk) -> None:
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT id, arguments FROM outbox WHERE job = $1 ORDER BY due_at", Job.SEAL_EXPORTS.value
        )
    assert len(rows) == 2  # at once, and when what ran meanwhile is over
    for row in rows:
        await seal_job(desk.house, row["id"], dict(row["arguments"]))
