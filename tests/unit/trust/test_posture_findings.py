"""What a catalogue, roles, probes and stated places amount to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.engine import make_url

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import POLICY_AS_PRINTED
from trust_portal.trust.posture.isolation import (
    AppPolicy,
    CatalogueTable,
    DatabaseRole,
    Probe,
    isolation,
)
from trust_portal.trust.posture.model import Check, Finding, Outcome, PostureCheck, Today
from trust_portal.trust.posture.residency import Database, Places, residency
from trust_portal.trust.posture.section import posture_section
from trust_portal.trust.posture.standing import address_of
from trust_portal.trust.sections.model import State

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
PEOPLE = CatalogueTable(
    name="people",
    kind="r",
    partition=False,
    row_security=True,
    forced=True,
    owned_by_app=False,
    granted=True,
    policies=(AppPolicy("people_tenant", "*", POLICY_AS_PRINTED, POLICY_AS_PRINTED),),
)
APP = DatabaseRole("trust_portal_app", superuser=False, bypasses=False)
SEEN = Probe("read", "0", "0")
HERE = Database("7431", "a" * 64)


def found(*tables: CatalogueTable, roles: tuple[DatabaseRole, ...] = (APP,)) -> list[object]:
    finding = isolation(tables, [], roles, [SEEN])
    faults = finding.evidence["faults"]
    assert isinstance(faults, list)
    assert (finding.outcome is Outcome.FAIL) == bool(faults)
    return list(faults)


def test_a_table_that_forces_row_security_is_isolated() -> None:
    finding = isolation([PEOPLE], ["people"], [APP], [SEEN])
    assert finding.outcome is Outcome.PASS
    assert finding.evidence == {
        "tables": "1",
        "outside": {},
        "roles": ["trust_portal_app"],
        "probes": [{"name": "read", "expected": "0", "found": "0"}],
        "faults": [],
    }


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"row_security": False}, "people: row-level security is not enabled"),
        ({"forced": False}, "people: row-level security is not forced"),
        (
            {"owned_by_app": True},
            "people: it belongs to the application's role, which could lift its policies",
        ),
        ({"policies": ()}, "people: no policy binds the application's role to a tenant"),
        (
            {"policies": (*PEOPLE.policies, AppPolicy("all", "r", "true", None))},
            "people: the policy all admits more than the tenant's own rows",
        ),
        ({"kind": "v"}, "people: a view shows customers' rows with its owner's rights"),
        ({"partition": True}, "people: a partition that can be reached past its table's policies"),
    ],
)
def test_each_gap_is_named(change: dict[str, object], fault: str) -> None:
    assert found(replace(PEOPLE, **change)) == [fault]


def test_what_nobody_was_granted_needs_no_policy() -> None:
    assert found(replace(PEOPLE, policies=(), granted=False)) == []
    assert found(replace(PEOPLE, kind="v", granted=False)) == []
    assert found(replace(PEOPLE, partition=True, row_security=False, granted=False)) == []


def test_queues_outside_tenancy_are_said_and_not_held_against_it() -> None:
    queue = replace(PEOPLE, name="pending_receipts", row_security=False, forced=False, policies=())
    finding = isolation([PEOPLE, queue], [], [APP], [SEEN])
    assert finding.outcome is Outcome.PASS
    assert finding.evidence["outside"] == {"pending_receipts": "the sequencer's inbox: ids and hashes"}
    assert finding.found.endswith(" Outside are tables of the vendor that name customers: pending_receipts.")
    assert "Outside" not in isolation([PEOPLE], [], [APP], [SEEN]).found


def test_a_table_that_should_be_there_and_is_not_is_a_fault() -> None:
    finding = isolation([PEOPLE], ["people", "facts"], [APP], [SEEN])
    assert finding.evidence["faults"] == ["facts: there is no such table"]


@pytest.mark.parametrize(
    ("role", "fault"),
    [
        (replace(APP, superuser=True), "a superuser is bound by no policy"),
        (replace(APP, bypasses=True), "it bypasses row-level security"),
        (replace(APP, above=True), "it can become a role that sees every customer"),
    ],
)
def test_a_role_that_no_policy_binds_is_a_fault(role: DatabaseRole, fault: str) -> None:
    assert found(PEOPLE, roles=(role,)) == [f"role trust_portal_app: {fault}"]


def test_a_probe_that_sees_another_tenants_row_fails() -> None:
    finding = isolation([PEOPLE], [], [APP], [SEEN, Probe("read by its tenant's id", "0", "1")])
    assert finding.outcome is Outcome.FAIL
    assert finding.found == "Not isolated: read by its tenant's id: expected 0, found 1."


@pytest.mark.parametrize(
    ("agreed", "places", "outcome", "words"),
    [
        ("", Places(("Germany",), ("Germany",)), Outcome.NOT_CHECKED, "No residency is declared"),
        (
            "Germany",
            Places(),
            Outcome.NOT_CHECKED,
            "it is not stated where the database and the backups lie.",
        ),
        ("Germany", Places(("Germany",)), Outcome.NOT_CHECKED, "it is not stated where the backups lie."),
        (
            "germany ",
            Places(("EU", "Germany"), ("Germany",)),
            Outcome.PASS,
            "Database and backups are stated to lie in germany",
        ),
        (
            "Germany",
            Places(("Germany",), ("none",)),
            Outcome.PASS,
            "The database is stated to lie in Germany, as agreed; no backups are kept.",
        ),
        (
            "Germany",
            Places(("none",), ("Germany",)),
            Outcome.FAIL,
            "Agreed is Germany; another place is stated for the database.",
        ),
        (
            "Germany",
            Places(("none",), ("none",)),
            Outcome.FAIL,
            "another place is stated for the database",
        ),
        (
            "Germany",
            Places(("Germany",), ("none", "Ohio")),
            Outcome.FAIL,
            "another place is stated for the backups",
        ),
        ("Germany", Places(("Ireland", "EU")), Outcome.FAIL, "another place is stated for the database"),
        ("EU", Places(("EU",), ("Ohio",)), Outcome.FAIL, "another place is stated for the backups"),
    ],
)
def test_residency_is_what_was_agreed_against_what_is_stated(
    agreed: str, places: Places, outcome: Outcome, words: str
) -> None:
    finding = residency(agreed, places, HERE, HERE)
    assert finding.outcome is outcome
    assert words in finding.found


@pytest.mark.parametrize(
    ("in_use", "outcome"),
    [
        (HERE, Outcome.PASS),
        (replace(HERE, cluster=None), Outcome.PASS),
        (replace(HERE, cluster="7432"), Outcome.NOT_CHECKED),
        (replace(HERE, address="b" * 64), Outcome.NOT_CHECKED),
        (Database(None, "b" * 64), Outcome.NOT_CHECKED),
    ],
)
def test_what_was_stated_of_another_database_says_nothing_of_the_one_in_use(
    in_use: Database, outcome: Outcome
) -> None:
    places = Places(("Germany",), ("Germany",), date(2026, 7, 1))
    finding = residency("Germany", places, in_use, HERE)
    assert finding.outcome is outcome
    assert ("stated of another database" in finding.found) == (outcome is Outcome.NOT_CHECKED)
    assert finding.evidence == {
        "agreed": "Germany",
        "stated": {
            "DATABASE_LOCATION": ["Germany"],
            "BACKUP_LOCATION": ["Germany"],
            "LOCATIONS_STATED_ON": "2026-07-01",
        },
        "stated_for": {"cluster": "7431", "address_sha256": "a" * 64},
        "in_use": {"cluster": in_use.cluster, "address_sha256": in_use.address},
    }
    assert residency("France", places, in_use, HERE).outcome is Outcome.FAIL, "the words differ anyway"


def test_a_database_is_told_by_its_address_and_neither_by_its_name_nor_by_who_signs_in() -> None:
    def told(url: str) -> str:
        return address_of(make_url(f"postgresql+asyncpg://{url}"))

    assert told("a:secret@DB.example/one") == told("b@db.example:5432/two")
    assert told("a@/one?host=/run/postgres") == told("b@/two?host=/run/postgres")
    addresses = [
        told(each) for each in ("a@db.example/x", "a@db.example:6432/x", "a@db2.example/x", "a@/x?host=/r")
    ]
    assert len(set(addresses)) == 4


UNCHANGED = Today(None, "")


def checked(
    outcome: Outcome, check: Check, at: datetime = NOW, evidence: dict[str, Json] | None = None
) -> PostureCheck:
    finding = Finding(check, outcome, "Because.", evidence or {})
    return PostureCheck(new_id(), new_id(), new_id(), finding, at, "Ada", new_id())


def test_the_section_is_as_old_as_its_oldest_check_and_says_what_fails() -> None:
    old = NOW - timedelta(days=2, seconds=1)
    latest = [checked(Outcome.PASS, Check.ISOLATION), checked(Outcome.FAIL, Check.RESIDENCY, old)]
    section = posture_section(latest, UNCHANGED, {}, NOW)
    assert (section.state, section.as_of) == (State.STALE, old)
    assert [each.text for each in section.sentences] == ["{failed} of {made} checks do not hold."]
    cells = dict(section.cells())
    assert cells["posture/failed"].value == "1"
    assert cells["posture/checks/residency/outcome"].value == "does not hold"
    assert cells["posture/checks/residency/outcome"].receipt == str(latest[1].receipt_id)


def test_without_a_check_the_section_is_missing_and_says_not_checked() -> None:
    section = posture_section([], Today(1, "Germany"), {}, NOW)
    assert (section.state, section.why) == (State.MISSING, "not checked")


@pytest.mark.parametrize(
    ("today", "changed"),
    [
        (Today(3, "Germany"), None),
        (Today(4, "Germany"), "the customer's key was changed since the look"),
        (Today(None, "Germany"), "the customer's key was changed since the look"),
        (Today(3, "France"), "what is agreed about where the data stays was changed since the look"),
        (Today(3, ""), "what is agreed about where the data stays was changed since the look"),
    ],
)
def test_a_look_that_did_not_see_what_stands_today_is_stale_however_young(
    today: Today, changed: str | None
) -> None:
    latest = [
        checked(Outcome.PASS, Check.ISOLATION),
        checked(Outcome.PASS, Check.RESIDENCY, evidence={"agreed": "Germany"}),
        checked(Outcome.PASS, Check.CUSTOMER_KEY, evidence={"ordinal": "3"}),
    ]
    section = posture_section(latest, today, {}, NOW)
    assert (section.state, section.why) == (State.FRESH if changed is None else State.STALE, changed)
    assert section.as_of == NOW


def test_a_look_before_the_first_key_did_not_see_it_and_no_key_is_no_change() -> None:
    latest = [checked(Outcome.NOT_APPLICABLE, Check.CUSTOMER_KEY)]
    assert posture_section(latest, UNCHANGED, {}, NOW).state is State.FRESH
    section = posture_section(latest, Today(1, ""), {}, NOW)
    assert (section.state, section.why) == (State.STALE, "the customer's key was changed since the look")


def test_the_section_names_each_receipt_and_its_entry_in_the_log() -> None:
    look = [checked(Outcome.PASS, Check.ISOLATION), checked(Outcome.PASS, Check.RESIDENCY)]
    together = look[0].receipt_id
    later = checked(Outcome.PASS, Check.CUSTOMER_KEY, evidence={"ordinal": "1"})
    section = posture_section(
        [look[0], replace(look[1], receipt_id=together), later], Today(1, ""), {together: 41}, NOW
    )
    assert [
        (row.id, tuple(cell.value for cell in row.cells), row.cells[0].href)
        for row in section.table("evidence").rows
    ] == [
        (
            str(together),
            (str(together), "41", "Isolation from other customers; Where the data stays"),
            f"/receipts/{together}",
        ),
        (
            str(later.receipt_id),
            (str(later.receipt_id), None, "Stored bundles sealed with the customer's key"),
            f"/receipts/{later.receipt_id}",
        ),
    ]
