"""Every rule of credits tried through SQL as the application role: the tables refuse what the service would."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from credit_desk import Desk, correct, promise
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trust_portal.access.approvals.model import ApprovalKind, AskApproval
from trust_portal.house import House
from trust_portal.kernel.ids import new_id
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

_COPY = "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE tenant_id = :tenant AND {where}"


async def forge(
    desk: Desk,
    table: str,
    where: str,
    parameters: dict[str, object],
    **changed: str,
) -> str:
    """Insert a copy of a row with some columns changed (SQL); the constraint that refused it."""
    before = await desk.stored()
    with pytest.raises(DBAPIError) as refusal:
        await copy(desk, table, where, parameters, **changed)
    assert await desk.stored() == before
    found = violation(refusal.value)
    assert found is not None, refusal.value
    return found.constraint


async def copy(
    desk: Desk,
    table: str,
    where: str,
    parameters: dict[str, object],
    **changed: str,
) -> None:
    """As the application role, in the tenant's scope."""
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        columns = list(
            (
                await session.execute(
                    text(
                        "SELECT column_name FROM information_schema.columns "
                        "WHERE table_name = :t AND is_generated = 'NEVER'"
                    ),
                    {"t": table},
                )
            ).scalars()
        )
    statement = _COPY.format(
        table=table,
        columns=", ".join(columns),
        values=", ".join(changed.get(each, each) for each in columns),
        where=where,
    )
    async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
        await session.execute(text(statement), {"tenant": desk.tenant.id, **parameters})


async def test_one_live_credit_for_a_revision(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.propose()
    of_it, row = "id = :credit", {"credit": credit.id}
    fresh = {"id": f"'{new_id()}'::uuid", "request_id": "request_id"}
    assert await forge(desk, "credits", of_it, row, **fresh) == "credits_one_live_key"
    after = {**fresh, "attempt": "2"}
    assert await forge(desk, "credits", of_it, row, **after) == "credits_one_live_at_a_time_check"
    stands_on = {**after, "replaces": "id", "replaced_attempt": "1", "replaced_state": "'voided'"}
    requested = await another_request(desk, credit)
    stands_on["request_id"] = f"'{requested}'::uuid"
    assert await forge(desk, "credits", of_it, row, **stands_on) == "credits_replaced_state_fkey"


async def another_request(
    desk: Desk, credit, kind: ApprovalKind = ApprovalKind.CREDIT, about: UUID | None = None
) -> UUID:
    """An approval asked for the same thing again, so that nothing else refuses the row."""
    intent = replace((await desk.approval(credit)).request.intent, kind=kind)
    approvers = await desk.house.approvals.who_could(kind, desk.tenant.id)
    async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
        ask = AskApproval(desk.tenant.id, intent, "once more", f"credit/{about or credit.id}")
        return (await desk.house.approvals.open(session, ask, desk.by("olive"), approvers)).id


async def test_a_credit_rests_on_a_request_of_its_kind_about_it_and_by_its_proposer(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.void(await desk.propose())
    forged, of_it, row = new_id(), "id = :credit", {"credit": credit.id}
    again = {
        "id": f"'{forged}'::uuid",
        "attempt": "2",
        "replaces": "id",
        "replaced_attempt": "1",
        "replaced_state": "'voided'",
    }

    async def by(request: UUID, **more: str) -> str:
        return await forge(desk, "credits", of_it, row, **again, **more, request_id=f"'{request}'::uuid")

    other_kind = await another_request(desk, credit, ApprovalKind.THRESHOLD_CHANGE, forged)
    assert await by(other_kind) == "credits_kind_fkey"
    assert await by(await another_request(desk, credit)) == "credits_about_fkey"
    own = await another_request(desk, credit, about=forged)
    assert await by(own, proposer_id=f"'{new_id()}'::uuid") == "credits_requester_fkey"


async def test_a_credit_is_approved_only_once_everybody_who_must_has_approved_it(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.propose()
    other = await another_request(desk, credit)
    approved = {
        "ordinal": "2",
        "state": "'approved'",
        "previous": "1",
        "previous_state": "'proposed'",
        "receipt_id": f"'{credit.calculation.receipt_id}'::uuid",
    }

    async def by(request: UUID | None) -> str:
        named = "NULL::uuid" if request is None else f"'{request}'::uuid"
        row = {"credit": credit.id}
        return await forge(desk, "credit_states", "credit_id = :credit", row, **approved, request_id=named)

    assert await by(None) == "credit_states_approved_has_an_approval_check"
    assert await by(credit.request_id) == "credit_states_approved_fkey"
    assert await by(other) == "credit_states_asked_fkey"


async def test_a_credit_is_for_what_was_calculated_from_a_signed_revision(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.propose()
    of_it, row = "id = :credit", {"credit": credit.id}
    fresh = {"id": f"'{new_id()}'::uuid", "request_id": f"'{await another_request(desk, credit)}'::uuid"}
    more = {**fresh, "attempt": "1", "revision": "9"}
    assert await forge(desk, "credits", of_it, row, **more) == "credits_calculation_fkey"
    supplement = {**more, "supplements": "id"}
    assert await forge(desk, "credits", of_it, row, **supplement) == "credits_supplements_an_issued_one_check"
    made, calculation = "id = :calculation", {"calculation": credit.calculation.id}
    unsigned = {"id": f"'{new_id()}'::uuid", "revision": "2"}
    assert (
        await forge(desk, "credit_calculations", made, calculation, **unsigned)
        == "credit_calculations_report_fkey"
    )
    other = {"id": f"'{new_id()}'::uuid", "document": "'{}'::bytea"}
    assert (
        await forge(desk, "credit_calculations", made, calculation, **other)
        == "credit_calculations_digest_is_of_the_document_check"
    )


async def test_a_credit_is_of_the_amount_that_was_calculated_whatever_else_is_true(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.void(await desk.propose())
    forged, of_it, row = new_id(), "id = :credit", {"credit": credit.id}
    again = {
        "id": f"'{forged}'::uuid",
        "attempt": "2",
        "replaces": "id",
        "replaced_attempt": "1",
        "replaced_state": "'voided'",
        "request_id": f"'{await another_request(desk, credit, about=forged)}'::uuid",
    }
    for amount in ("amount_minor + 1", "amount_minor - 1"):
        lie = {**again, "amount_minor": amount}
        assert await forge(desk, "credits", of_it, row, **lie) == "credits_calculation_fkey"
    await copy(desk, "credits", of_it, row, **again)
    assert await amount_in(desk, "credits", "id", forged) == credit.amount.minor, "so it was for the amount"


async def amount_in(desk: Desk, table: str, key: str, id: UUID) -> int:
    """In minor units, of a row that was taken."""
    async with desk.house.storage.read(TenantScope(desk.tenant.id)) as session:
        query = text(f"SELECT amount_minor FROM {table} WHERE tenant_id = :t AND {key} = :id")
        return (await session.execute(query, {"t": desk.tenant.id, "id": id})).scalar_one()


async def test_an_issue_is_of_the_amount_that_was_approved_whatever_else_is_true(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    first = await desk.issued()
    await correct(house, range(10, 20), 0)
    await desk.sign("ten more minutes came in")
    second = await desk.approve(await desk.propose())
    request, finn = (await desk.approval(second)).request, desk.people["finn"].id
    approvers = await house.approvals.who_could(ApprovalKind.CREDIT, desk.tenant.id)
    async with house.storage.write(TenantScope(desk.tenant.id)) as session:
        used = await house.approvals.use(session, request.id, request.intent, desk.by("finn"), approvers)
        for step in used.approval.approvals:
            await session.execute(
                text(
                    "INSERT INTO credit_issue_approvals (tenant_id, credit_id, ordinal, previous, request_id, act, "
                    "person_id, issuer_id, own_allowed) VALUES (:tenant, :credit, :ordinal, nullif(:ordinal - 1, 0), "
                    ":request, 'approve', :person, :finn, false)"
                ),
                {
                    "tenant": desk.tenant.id,
                    "credit": second.id,
                    "ordinal": step.ordinal,
                    "request": request.id,
                    "person": step.person_id,
                    "finn": finn,
                },
            )
    true = {
        "credit_id": f"'{second.id}'::uuid",
        "reference": "'CN-9'",
        "request_id": f"'{request.id}'::uuid",
        "kind": "'supplement'",
        "amount_minor": str(second.amount.minor),
        "used_at": f"'{used.approval.steps[-1].at.isoformat()}'::timestamptz",
    }
    of_first, row = "credit_id = :credit", {"credit": first.id}
    for amount in (second.amount.minor + 1, second.amount.minor - 1):
        lie = {**true, "amount_minor": str(amount)}
        assert await forge(desk, "credit_issues", of_first, row, **lie) == "credit_issues_credit_fkey"
    await copy(desk, "credit_issues", of_first, row, **true)
    assert await amount_in(desk, "credit_issues", "credit_id", second.id) == second.amount.minor


async def test_states_follow_each_other_as_they_may(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.propose()
    for ordinal, before, state, refused in (
        (2, "proposed", "issued", "credit_states_follows_what_it_may_check"),
        (3, "approved", "issued", "credit_states_issued_has_a_memo_check"),
        (3, "voided", "approved", "credit_states_follows_what_it_may_check"),
        (3, "approved", "voided", "credit_states_previous_fkey"),
        (2, "proposed", "proposed", "credit_states_follows_what_it_may_check"),
    ):
        changed = {
            "ordinal": str(ordinal),
            "state": f"'{state}'",
            "previous": str(ordinal - 1),
            "previous_state": f"'{before}'",
            "receipt_id": f"'{credit.calculation.receipt_id}'::uuid",
            "request_id": f"'{credit.request_id}'::uuid" if state == "approved" else "NULL::uuid",
        }
        row = {"credit": credit.id}
        assert await forge(desk, "credit_states", "credit_id = :credit", row, **changed) == refused


async def test_what_is_issued_has_used_its_approval_once_and_pays_a_period_once(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    first = await desk.issued()
    await correct(house, range(10, 20), 0)
    await desk.sign("ten more minutes came in")
    second = await desk.approve(await desk.propose())
    of_first, row = "credit_id = :credit", {"credit": first.id}
    another = {
        "credit_id": f"'{second.id}'::uuid",
        "reference": "'CN-9'",
        "request_id": f"'{second.request_id}'::uuid",
        "kind": "'supplement'",
        "amount_minor": "15000",
    }
    assert await forge(desk, "credit_issues", of_first, row, **another) == "credit_issues_use_fkey"
    stolen = {**another, "request_id": "request_id"}
    assert await forge(desk, "credit_issues", of_first, row, **stolen) == "credit_issues_credit_fkey"
    assert (
        await forge(desk, "credit_issues", of_first, row, **{**another, "kind": "'credit'"})
        == "credit_issues_once_a_period_key"
    )
    own = {**another, "issuer_id": "proposer_id"}
    assert (
        await forge(desk, "credit_issues", of_first, row, **own)
        == "credit_issues_proposer_does_not_issue_check"
    )
    assert await forge(desk, "credit_issues", of_first, row, **{**another, "use_act": "'approve'"}) == (
        "credit_issues_approval_is_used_check"
    )
    assert await forge(desk, "credit_issues", of_first, row, **{**another, "use_ordinal": "2"}) == (
        "credit_issues_approved_by_two_check"
    )


async def test_whoever_approved_does_not_issue_whatever_the_rows_say(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    credit = await desk.approve(await desk.propose())
    approvals = (await desk.approval(credit)).approvals
    fay, rob = (each.person_id for each in approvals)

    async def approval(ordinal: int, person: UUID, issuer: UUID, previous: str = "NULL", own: str = "false"):
        values = (
            f":tenant, :credit, {ordinal}, {previous}, :request, 'approve', '{person}', '{issuer}', {own}"
        )
        return await refused(
            desk,
            "INSERT INTO credit_issue_approvals (tenant_id, credit_id, ordinal, previous, request_id, act, "
            f"person_id, issuer_id, own_allowed) VALUES ({values})",
            credit=credit.id,
            request=credit.request_id,
        )

    finn = desk.people["finn"].id
    assert await approval(1, fay, fay) == "credit_issue_approvals_approver_does_not_issue_check"
    assert await approval(1, finn, rob) == "credit_issue_approvals_step_fkey"
    assert await approval(2, rob, finn) == "credit_issue_approvals_leaves_none_out_check"
    assert await approval(2, rob, finn, "1") == "credit_issue_approvals_previous_fkey"
    issued = await desk.issue(credit)
    of_it, row = "credit_id = :credit", {"credit": issued.id}
    for changed in ({"issuer_id": f"'{rob}'::uuid"}, {"allowed_by": "'a policy'"}):
        other = {**changed, "credit_id": "credit_id", "reference": "'CN-9'"}
        assert await forge(desk, "credit_issues", of_it, row, **other) in {
            "credit_issues_approvers_fkey",
            "credit_issues_pkey",
        }


async def refused(desk: Desk, statement: str, **parameters: object) -> str:
    """The constraint that refused a statement."""
    before = await desk.stored()
    with pytest.raises(DBAPIError) as refusal:
        async with desk.house.storage.write(TenantScope(desk.tenant.id)) as session:
            await session.execute(text(statement), {"tenant": desk.tenant.id, **parameters})
    assert await desk.stored() == before
    found = violation(refusal.value)
    assert found is not None, refusal.value
    return found.constraint


async def test_nothing_of_a_credit_is_changed_or_taken_away(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    await desk.issued()
    tables = ("credit_calculations", "credits", "credit_states", "credit_issues", "credit_claims")
    for table in tables:
        for statement in (
            f"UPDATE {table} SET period = 'x' WHERE tenant_id = :t",
            f"DELETE FROM {table} WHERE tenant_id = :t",
        ):
            with pytest.raises(DBAPIError, match=r"permission denied|column \"period\""):
                async with house.storage.write(TenantScope(desk.tenant.id)) as session:
                    await session.execute(text(statement), {"t": desk.tenant.id})
