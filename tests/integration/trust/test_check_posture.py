"""Posture is looked at through the product's own roles, and what is found is on record with its receipt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from jobs.posture import POSTURE_DUTIES
from jobs.posture import check as check_job
from jobs.workbench import Workbench
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant, SetResidency
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds
from trust_portal.storage.tenancy import POLICY_AS_PRINTED, StaffScope, TenantScope
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.posture.model import Check, Finding, Outcome, PostureCheck, Today
from trust_portal.trust.posture.probing import CANARY_ID
from trust_portal.trust.posture.section import gather, posture_section
from trust_portal.trust.sections.model import Section, State

_PLAIN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"


async def customer(house: House, key: str = "northwind", residency: str = "Germany") -> UUID:
    return (await house.tenants.create(CreateTenant(key, key.title(), residency=residency), CONSOLE)).id


def somebody(tenant_id: UUID, role: Role) -> Actor:
    return Actor(ActorKind.PERSON, new_id(), "Somebody", tenant_id, frozenset({role}))


@asynccontextmanager
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """The login that owns the tables, as whoever migrates by hand."""
    url = make_url(database_url)
    connection = await asyncpg.connect(
        host=url.query["host"], user=url.username, password=url.password, database=url.database
    )
    try:
        yield connection
    finally:
        await connection.close()


async def isolation(house: House, tenant_id: UUID) -> PostureCheck:
    return (await house.posture.check(tenant_id, SYSTEM))[0]


def faults(check: PostureCheck) -> object:
    assert check.finding.check is Check.ISOLATION
    assert check.finding.outcome is Outcome.FAIL
    return check.finding.evidence["faults"]


async def test_a_look_is_rows_and_one_receipt_that_says_the_same(house: House) -> None:
    tenant_id = await customer(house)
    checks = await house.posture.check(tenant_id, CONSOLE)
    assert checks[0].finding.evidence["faults"] == []
    assert [(each.finding.check, each.finding.outcome) for each in checks] == [
        (Check.ISOLATION, Outcome.PASS),
        (Check.RESIDENCY, Outcome.PASS),
        (Check.CUSTOMER_KEY, Outcome.NOT_APPLICABLE),
    ]
    probes = checks[0].finding.evidence["probes"]
    assert isinstance(probes, list)
    assert [each["found"] for each in probes] == ["1", "0", "0", "0", "refused", "0", "0", "none"]
    async with house.storage.read(TenantScope(tenant_id)) as session:
        receipt = await find_receipt(session, tenant_id, checks[0].receipt_id)
    signed = json.loads(Envelope.parse(receipt.envelope).payload)["predicate"]["result"]
    assert signed["checks"] == [each.finding.as_json() for each in checks]
    assert [each.sha256 for each in receipt.subjects] == [digest(each.finding.as_json()) for each in checks]
    latest = (await house.posture.view(CONSOLE, tenant_id)).latest
    assert latest == checks
    assert posture_section(latest, Today(None, "Germany"), {}, house.clock.now()).state is State.FRESH


async def test_a_table_without_forced_row_security_is_named(house: House, database_url: str) -> None:
    tenant_id = await customer(house)
    async with owner(database_url) as connection:
        await connection.execute("CREATE TABLE coupons (tenant_id uuid NOT NULL, code text)")
        assert faults(await isolation(house, tenant_id)) == ["coupons: row-level security is not enabled"]
        await connection.execute("ALTER TABLE coupons ENABLE ROW LEVEL SECURITY")
        assert faults(await isolation(house, tenant_id)) == ["coupons: row-level security is not forced"]
        await connection.execute("ALTER TABLE coupons FORCE ROW LEVEL SECURITY")
        assert (await isolation(house, tenant_id)).finding.outcome is Outcome.PASS
        await connection.execute("CREATE VIEW coupon_codes AS SELECT tenant_id, code FROM coupons")
        await connection.execute("GRANT SELECT ON coupon_codes TO trust_portal_app")
        assert faults(await isolation(house, tenant_id)) == [
            "coupon_codes: a view shows customers' rows with its owner's rights"
        ]


async def test_a_view_of_which_some_columns_are_granted_and_a_table_that_can_be_emptied_are_named(
    house: House, database_url: str
) -> None:
    tenant_id = await customer(house)
    shown = "coupon_codes: a view shows customers' rows with its owner's rights"
    async with owner(database_url) as connection:
        await connection.execute("CREATE TABLE coupons (tenant_id uuid NOT NULL, code text)")
        await connection.execute("ALTER TABLE coupons ENABLE ROW LEVEL SECURITY")
        await connection.execute("ALTER TABLE coupons FORCE ROW LEVEL SECURITY")
        await connection.execute("CREATE VIEW coupon_codes AS SELECT tenant_id, code FROM coupons")
        assert (await isolation(house, tenant_id)).finding.outcome is Outcome.PASS
        for columns in ("tenant_id, code", "code"):
            await connection.execute(f"GRANT SELECT ({columns}) ON coupon_codes TO trust_portal_app")
            assert faults(await isolation(house, tenant_id)) == [shown]
            await connection.execute("REVOKE ALL ON coupon_codes FROM trust_portal_app")
        assert (await isolation(house, tenant_id)).finding.outcome is Outcome.PASS
        await connection.execute(f"CREATE POLICY own ON coupons TO trust_portal_app USING ({_PLAIN})")
        await connection.execute("GRANT SELECT, TRUNCATE ON coupons TO trust_portal_app")
        assert faults(await isolation(house, tenant_id)) == [
            "coupons: the application's role may empty it at once, which no policy binds"
        ]


async def test_a_probe_that_reaches_another_tenants_row_fails(house: House, database_url: str) -> None:
    tenant_id = await customer(house)
    async with owner(database_url) as connection:
        await connection.execute("CREATE POLICY leak ON posture_canaries TO trust_portal_app USING (true)")
        await connection.execute("CREATE POLICY leak ON receipts FOR SELECT TO PUBLIC USING (true)")
        found = faults(await isolation(house, tenant_id))
        assert found == [
            "posture_canaries: the policy leak admits more than the tenant's own rows",
            "receipts: the policy leak admits more than the tenant's own rows",
            "read by its tenant's id: expected 0, found 1",
            "read without naming a tenant: expected 0, found 1",
            "read in a transaction of nobody: expected 0, found 1",
            "write in its name: expected refused, found 1",
            "change it: expected 0, found 1",
            "remove it: expected 0, found 1",
            "tables that show the vendor's rows: expected none, found receipts",
        ]
        await connection.execute("DROP POLICY leak ON posture_canaries")
        async with house.storage.read(TenantScope(CANARY_ID)) as session:
            driver = await session.driver()
            left = await driver.fetch("SELECT note FROM posture_canaries WHERE tenant_id = $1", CANARY_ID)
        assert [row["note"] for row in left] == ["No tenant but its own may reach this row."]


async def test_the_policy_is_compared_as_the_database_spells_it(database_url: str) -> None:
    """A release of PostgreSQL that prints it otherwise must fail here and not at a customer's."""
    async with owner(database_url) as connection:
        await connection.execute("CREATE TABLE coupons (tenant_id uuid NOT NULL)")
        await connection.execute(f"CREATE POLICY own ON coupons USING ({_PLAIN})")
        assert (
            await connection.fetchval("SELECT qual FROM pg_policies WHERE policyname = 'own'")
            == POLICY_AS_PRINTED
        )


async def test_where_nothing_is_declared_residency_is_not_checked(house: House) -> None:
    tenant_id = await customer(house, residency="")
    check = (await house.posture.check(tenant_id, SYSTEM))[1]
    assert check.finding.outcome is Outcome.NOT_CHECKED
    assert check.finding.found == "No residency is declared for this customer."


async def test_what_was_stated_counts_for_the_database_it_was_stated_of_until_it_is_stated_anew(
    house: House, database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    northwind = await customer(house)
    first = (await house.posture.check(northwind, SYSTEM))[1].finding
    async with owner(database_url) as connection:
        system = await connection.fetchval("SELECT system_identifier::text FROM pg_control_system()")
    url = make_url(database_url)
    sockets = str(url.query["host"])
    here = {"cluster": system, "address_sha256": sha256_hex(sockets.encode())}
    assert (first.outcome, first.evidence["stated_for"], first.evidence["in_use"]) == (
        Outcome.PASS,
        here,
        here,
    )
    assert not any(word in json.dumps(first.evidence) for word in (sockets, str(url.password)))

    async def looks(where: str, tenant_id: UUID, **said: object) -> Finding:
        moved = url.update_query_dict({"host": where}).render_as_string(hide_password=False)
        other = build_house(replace(house.settings, database_url=moved, **said), clock)
        try:
            return (await other.posture.check(tenant_id, SYSTEM))[1].finding
        finally:
            await other.close()

    (tmp_path / "elsewhere").symlink_to(sockets)
    elsewhere = str(tmp_path / "elsewhere")
    newcomer = await customer(house, "southwind")
    for tenant_id in (northwind, newcomer):
        found = await looks(elsewhere, tenant_id)
        assert found.outcome is Outcome.NOT_CHECKED
        assert found.found == (
            "Agreed is Germany; that was stated of another database than the one in use. Nobody has stated since "
            "where this one lies."
        )
        there = {"cluster": system, "address_sha256": sha256_hex(elsewhere.encode())}
        assert (found.evidence["stated_for"], found.evidence["in_use"]) == (here, there)

    restated = await looks(elsewhere, northwind, locations_stated_on=date(2026, 7, 10))
    assert (restated.outcome, restated.evidence["stated_for"]) == (Outcome.PASS, there)
    assert (await looks(sockets, northwind)).outcome is Outcome.PASS, "back where it was first stated of"
    back = await looks(sockets, newcomer, locations_stated_on=date(2026, 7, 10))
    assert back.outcome is Outcome.NOT_CHECKED


async def test_where_the_role_may_not_read_the_clusters_identifier_its_address_tells(
    house: House, database_url: str, server_thread: Any
) -> None:
    tenant_id = await customer(house)
    bootstrap = await server_thread.servers.connect_as_bootstrap(make_url(database_url).database)
    try:
        await bootstrap.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    finally:
        await bootstrap.close()
    found = (await house.posture.check(tenant_id, SYSTEM))[1].finding
    sockets = str(make_url(database_url).query["host"])
    assert found.outcome is Outcome.PASS
    assert found.evidence["in_use"] == {"cluster": None, "address_sha256": sha256_hex(sockets.encode())}


async def test_the_clockwork_asks_once_a_day_for_each_customer_and_a_job_is_done_once(
    house: House, clock: ManualClock
) -> None:
    tenants = {await customer(house), await customer(house, "southwind")}
    assert await house.posture.ask_due() == 2
    assert await house.posture.ask_due() == 2  # still waiting: the same rows
    waiting = await _waiting(house)
    assert {UUID(row["arguments"]["tenant"]) for row in waiting} == tenants
    for row in waiting:
        # A worker whose lease ran out may still be at it.
        await asyncio.gather(*(check_job(house, row["id"], row["arguments"]) for _ in range(2)))
        seen = await house.posture.history(CONSOLE, UUID(row["arguments"]["tenant"]), PageRequest(10))
        assert len({each.round_id for each in seen.items}) == 1
    assert await _waiting(house) == []
    assert await house.posture.ask_due() == 0
    clock.advance(timedelta(days=1))
    assert await house.posture.ask_due() == 2


async def test_a_customer_who_cannot_be_looked_at_holds_up_no_other_and_leaves_no_failed_jobs(
    house: House, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt, other = await customer(house), await customer(house, "southwind")
    check = type(house.posture).check

    async def fails_for_one(posture: Any, tenant_id: UUID, *arguments: Any, **named: Any) -> Any:
        if tenant_id == hurt:
            raise ZeroDivisionError("a catalogue nobody foresaw")
        return await check(posture, tenant_id, *arguments, **named)

    async def round_() -> list[UUID]:
        await house.posture.ask_due()
        backlog = Backlog(house.storage)
        (duty,), bench, asked = POSTURE_DUTIES, Workbench(house, backlog), await _waiting(house)
        for row in asked:
            await bench.attempt(duty, str(row["id"]), 0)
        assert await _waiting(house) == []
        return sorted(UUID(row["arguments"]["tenant"]) for row in asked)

    with monkeypatch.context() as patch:
        patch.setattr(type(house.posture), "check", fails_for_one)
        assert await round_() == sorted((hurt, other))
        assert await round_() == [], "the one is looked at, the other waits"
        clock.advance(FIRST_WAIT)
        assert await round_() == [hurt]
    (setback,) = await Rounds(house.storage).setbacks()
    assert (setback.round, setback.subject, setback.failures) == (Round.CHECK_POSTURE, hurt, 2)
    looked_at = [bool((await house.posture.view(CONSOLE, each)).latest) for each in (hurt, other)]
    assert looked_at == [False, True]
    clock.advance(2 * FIRST_WAIT)
    assert await round_() == [hurt]
    assert len((await house.posture.view(CONSOLE, hurt)).latest) == 3
    assert await Rounds(house.storage).setbacks() == ()


async def test_customers_read_their_own_and_staff_looks_again(house: House) -> None:
    tenant_id, other = await customer(house), await customer(house, "southwind")
    viewer = somebody(tenant_id, Role.CUSTOMER_VIEWER)
    with pytest.raises(Denied):
        await house.posture.check(tenant_id, viewer)
    assert (await house.posture.view(viewer, tenant_id)).latest == ()
    with pytest.raises(NotFound):
        await house.posture.view(viewer, other)
    with pytest.raises(NotFound):
        await house.posture.check(VENDOR_ID, SYSTEM)
    staff = somebody(VENDOR_ID, Role.SRE_OPERATOR)
    made = await house.posture.check(tenant_id, staff)
    assert (await house.posture.view(viewer, tenant_id)).latest == made
    page = await house.posture.history(viewer, tenant_id, PageRequest(size=1))
    assert page.has_next
    assert page.items[0] in made


async def test_another_agreement_is_on_record_and_the_section_is_stale_until_it_was_looked_at(
    house: House, clock: ManualClock
) -> None:
    tenant_id = await customer(house, residency="")
    await house.posture.check(tenant_id, SYSTEM)
    assert (await section_of(house, tenant_id)).state is State.FRESH
    clock.advance(timedelta(minutes=5))
    admin = somebody(VENDOR_ID, Role.VENDOR_ADMIN)
    agreed = await house.tenants.set_residency(
        SetResidency(tenant_id, " Germany ", "Contract of 1 July"), admin
    )
    assert agreed.residency == "Germany"
    section = await section_of(house, tenant_id)
    assert (section.state, section.why) == (
        State.STALE,
        "what is agreed about where the data stays was changed since the look",
    )
    view = await house.posture.view(somebody(tenant_id, Role.CUSTOMER_VIEWER), tenant_id)
    assert (view.agreed, view.overtaken) == ("Germany", {Check.RESIDENCY: section.why})
    signed = await newest_signed(house, tenant_id, "tenant.residency_set")
    assert signed["result"] == {"residency": "Germany", "before": None}
    assert signed["rationale"] == "Contract of 1 July"
    (asked,) = await _waiting(house)
    assert asked["arguments"] == {"tenant": str(tenant_id)}
    await check_job(house, asked["id"], asked["arguments"])
    section = await section_of(house, tenant_id)
    assert section.state is State.FRESH
    assert dict(section.cells())["posture/checks/residency/outcome"].value == "holds"
    assert await _waiting(house) == []


async def test_a_refused_agreement_changes_nothing(house: House) -> None:
    tenant_id = await customer(house)
    admin = somebody(VENDOR_ID, Role.VENDOR_ADMIN)
    with pytest.raises(Denied):
        await house.tenants.set_residency(
            SetResidency(tenant_id, "France", "We moved"), somebody(VENDOR_ID, Role.CSM)
        )
    with pytest.raises(Denied):
        await house.tenants.set_residency(
            SetResidency(tenant_id, "France", "We moved"), somebody(tenant_id, Role.CUSTOMER_ADMIN)
        )
    with pytest.raises(Conflict) as same:
        await house.tenants.set_residency(SetResidency(tenant_id, "Germany", "Again"), admin)
    assert same.value.code == "UNCHANGED"
    with pytest.raises(NotFound):
        await house.tenants.set_residency(SetResidency(VENDOR_ID, "France", "We moved"), admin)
    for residency, reason in (("France", " "), ("F" * 201, "We moved"), ("Fr\u202eance", "We moved")):
        with pytest.raises(InvalidInput):
            SetResidency(tenant_id, residency, reason)
    assert await kinds_of(house, tenant_id) == ["tenant.created"]
    assert await _waiting(house) == []
    await house.tenants.offboard(tenant_id, admin)
    with pytest.raises(Conflict) as gone:
        await house.tenants.set_residency(SetResidency(tenant_id, "France", "We moved"), admin)
    assert gone.value.code == "HAS_LEFT"
    async with house.storage.read(TenantScope(tenant_id)) as session:
        tenant = await find_tenant(session, tenant_id)
    assert tenant is not None
    assert tenant.residency == "Germany"


async def section_of(house: House, tenant_id: UUID) -> Section:
    """As a Trust Report would have it now."""
    async with house.storage.read(StaffScope()) as session:
        tenant = await find_tenant(session, tenant_id)
        assert tenant is not None
        now = house.clock.now()
        return await gather(session, Ask(tenant, parse_period("2026-06", tenant.time_zone), now))


async def kinds_of(house: House, tenant_id: UUID) -> list[str]:
    async with house.storage.read(TenantScope(tenant_id)) as session:
        driver = await session.driver()
        rows = await driver.fetch("SELECT kind FROM receipts WHERE tenant_id = $1 ORDER BY at, id", tenant_id)
    return [row["kind"] for row in rows]


async def newest_signed(house: House, tenant_id: UUID, kind: str) -> Any:
    """The predicate of the newest receipt of a kind."""
    async with house.storage.read(TenantScope(tenant_id)) as session:
        driver = await session.driver()
        envelope = await driver.fetchval(
            "SELECT envelope FROM receipts WHERE tenant_id = $1 AND kind = $2 ORDER BY at DESC, id DESC LIMIT 1",
            tenant_id,
            kind,
        )
    return json.loads(Envelope.parse(envelope).payload)["predicate"]


async def _waiting(house: House) -> list[Any]:
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT id, arguments FROM outbox WHERE job = $1 ORDER BY id", Job.CHECK_POSTURE.value
        )
    return [{"id": row["id"], "arguments": dict(row["arguments"])} for row in rows]
