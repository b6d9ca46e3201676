"""Emergency access: what it lets one person do, what it never does, and the review that it owes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dual_control import Desk
from glass import REASON, Scene
from sqlalchemy import delete, select

from trust_portal.access.action import Action, TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import Approve, Withdraw
from trust_portal.access.break_glass.model import GlassState, OpenBreakGlass
from trust_portal.access.people.model import GrantRole
from trust_portal.access.policy import Resource
from trust_portal.access.tokens.model import CreateToken
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import Conflict, Denied, InvalidInput
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.tables import notifications
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=25)

HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
async def scene(desk: Desk) -> Scene:
    return await Scene(desk).cast()


def may(scene: Scene, actor: Actor, action: Action, tenant=None) -> bool:
    resource = Resource("thing", (tenant or scene.desk.tenant).id)
    return scene.desk.house.gate.allows(actor, action, resource)


async def test_an_hour_of_sight_and_action_for_one_person_at_one_tenant(scene, clock):
    before = await scene.by("iris")
    assert not may(scene, before, Action.COST_READ)
    assert not may(scene, before, Action.UNAPPROVED_PLAYBOOK_EXECUTE)

    found = await scene.break_glass()

    assert found.grant.until - found.grant.opened_at == HOUR
    iris, stranger = await scene.by("iris"), scene.desk.stranger
    for action in (Action.COST_READ, Action.EXPORT_DOWNLOAD, Action.UNAPPROVED_PLAYBOOK_EXECUTE):
        assert may(scene, iris, action)
        assert not may(scene, iris, action, stranger)
        assert not may(scene, await scene.by("sam"), Action.UNAPPROVED_PLAYBOOK_EXECUTE)
    clock.advance(HOUR - MOMENT)
    assert may(scene, await scene.by("iris"), Action.COST_READ)
    clock.advance(MOMENT)
    assert not may(scene, await scene.by("iris"), Action.COST_READ)
    assert (await scene.look(found)).state(clock.now()) is GlassState.UNREVIEWED


@pytest.mark.parametrize(
    "action",
    [
        Action.APPROVAL_DECIDE,
        Action.BUDGET_SET,
        Action.CREDIT_FORECAST_SET,
        Action.CREDIT_ISSUE,
        Action.CREDIT_PROPOSE,
        Action.CREDIT_REJECT,
        Action.CROSS_CHECK_SET,
        Action.DETECTOR_FLAG_SET,
        Action.OWN_CREDIT_ISSUE,
        Action.PERSON_ADD,
        Action.ROLE_GRANT,
        Action.SIGN_IN_LINK_CREATE,
        Action.SLA_REPORT_ISSUE,
        Action.SLA_RUN_START,
        Action.SUPPRESSION_CREATE,
        Action.SUPPRESSION_END,
        Action.THRESHOLD_SET,
        Action.TOKEN_CREATE,
        Action.WEBHOOK_CREATE,
    ],
)
async def test_as_long_as_it_is_broken_they_decide_on_nothing_whatever_their_roles(scene, action):
    """Rita approves and operates; the glass takes from her what her roles would let her."""
    await scene.break_glass("rita")
    rita = await scene.by("rita")

    for tenant in (scene.desk.tenant, scene.desk.stranger):
        decision = scene.desk.house.gate.policies.decide(rita, action, Resource("thing", tenant.id))
        assert not decision.allowed
        assert decision.policies == ("broken-glass-decides-nothing",)


async def test_a_token_that_was_there_before_is_no_way_around_it(scene, clock):
    """Rita's own automation moves no money and loosens nothing either, and is on record like her."""
    house, tenant = scene.desk.house, scene.desk.tenant
    issued = await house.tokens.create(
        CreateToken(VENDOR_ID, "night shift", frozenset({TokenScope.OPERATE, TokenScope.READ})),
        await scene.by("rita"),
    )
    decides = (
        Action.CREDIT_PROPOSE,
        Action.EXCLUSION_PROPOSE,
        Action.SLA_REPORT_RESTATE,
        Action.THRESHOLD_SET,
    )
    before = await house.tokens.authenticate(issued.secret)
    assert all(may(scene, before, action) for action in decides)

    found = await scene.break_glass("rita")

    meanwhile = await house.tokens.authenticate(issued.secret)
    for action in decides:
        decision = house.gate.policies.decide(meanwhile, action, Resource("thing", tenant.id))
        assert decision.policies == ("broken-glass-decides-nothing",)
    assert not may(scene, meanwhile, Action.ACCESS_LOG_READ), "it gains nothing"
    await house.kill_switches.set(SetKillSwitch(tenant.id, True, "nothing more by itself"), meanwhile)
    _, record = await house.break_glass.get(await scene.by("sam"), tenant.id, found.grant.id)
    assert [each.kind for each in record.acts] == ["kill_switch.set"]
    clock.advance(HOUR)
    afterwards = await house.tokens.authenticate(issued.secret)
    assert all(may(scene, afterwards, action) for action in decides)


async def test_nobody_approves_what_they_asked_for_by_breaking_the_glass(scene):
    request = await scene.desk.ask()
    await scene.break_glass("rita")
    before = await scene.desk.stored()

    with pytest.raises(Denied):
        await scene.desk.house.decisions.approve(
            Approve(request.tenant_id, request.id, request.digest, "it is urgent"), await scene.by("rita")
        )
    await scene.break_glass("olive")
    with pytest.raises(Denied):
        await scene.desk.house.decisions.approve(
            Approve(request.tenant_id, request.id, request.digest, "it is urgent"), await scene.by("olive")
        )
    after = await scene.desk.stored()
    assert (before[0], before[1]) == (after[0], after[1])


async def test_it_is_for_who_is_on_call_and_for_persons(scene):
    tenant = scene.desk.tenant.id
    token = Actor(
        ActorKind.TOKEN, scene.people["iris"].id, "token", VENDOR_ID, frozenset({Role.INCIDENT_OWNER}),
        frozenset({"admin", "operate", "read"}), scene.people["iris"].id,
    )  # fmt: skip
    for actor in (await scene.by("sam"), await scene.by("fay"), token, SYSTEM):
        with pytest.raises(Denied):
            await scene.desk.house.break_glass.open(OpenBreakGlass(tenant, REASON), actor)
    assert await scene.receipts("break_glass.%") == []


async def test_it_needs_a_reason_that_says_something_an_end_and_a_customer(scene):
    tenant = scene.desk.tenant.id
    with pytest.raises(InvalidInput, match="at least 20 characters"):
        OpenBreakGlass(tenant, "because of an error")
    with pytest.raises(InvalidInput, match="between 5 minutes and 4 hours"):
        OpenBreakGlass(tenant, REASON, timedelta(hours=5))
    with pytest.raises(InvalidInput, match="not to the vendor"):
        OpenBreakGlass(VENDOR_ID, REASON)


async def test_it_is_not_opened_twice_and_not_where_two_others_could_not_review_it(scene):
    await scene.break_glass()
    with pytest.raises(Conflict) as twice:
        await scene.break_glass()
    assert twice.value.code == "ALREADY_OPEN"
    for name in ("rex", "rita"):
        await scene.desk.house.people.suspend(CONSOLE, VENDOR_ID, scene.people[name].id)
    with pytest.raises(Conflict) as nobody:
        await scene.break_glass("olive")
    assert nobody.value.code == "UNFULFILLABLE"
    assert len(await scene.receipts("break_glass.%")) == 1


async def test_everybody_is_told_at_once(scene):
    found = await scene.break_glass()

    async with scene.desk.house.storage.read(TenantScope(scene.desk.tenant.id)) as session:
        row = (
            await session.execute(
                select(notifications).where(
                    notifications.c.tenant_id == scene.desk.tenant.id, notifications.c.topic == "break_glass"
                )
            )
        ).one()
    assert row.title == "Iris broke the glass for Acme Ltd"
    assert REASON in row.text
    assert set(row.audience["roles"]) == {role.value for role in Role}
    assert row.path == f"/t/acme/break-glass/{found.grant.id}"


async def test_every_act_and_look_carries_its_id(scene):
    found = await scene.break_glass()
    id_, iris, tenant = str(found.grant.id), await scene.by("iris"), scene.desk.tenant
    await scene.desk.house.kill_switches.set(SetKillSwitch(tenant.id, True, "nothing more by itself"), iris)
    await scene.desk.house.kill_switches.set(
        SetKillSwitch(scene.desk.tenant.id, False, "on again"), await scene.by("olive")
    )
    await scene.desk.house.break_glass.get(iris, tenant.id, found.grant.id)

    (_, first), (_, second) = await scene.receipts("kill_switch.set")
    assert first["break_glass"] == id_
    assert first["policies"]["ids"] == ["broken-glass-acts"]
    assert "break_glass" not in second
    entries = await scene.desk.house.access_log.page(await scene.by("sam"), tenant.id, PageRequest(10))
    assert [each.access.purpose for each in entries.items if each.actor_name == "Iris"] == [
        f"emergency access, break-glass {id_}"
    ]
    _, record = await scene.desk.house.break_glass.get(await scene.by("sam"), tenant.id, found.grant.id)
    assert [each.kind for each in record.acts] == ["kill_switch.set"]
    assert record.looks == 1


async def test_closing_it_asks_for_the_review_of_exactly_what_was_done(scene, clock):
    found = await scene.break_glass()
    iris = await scene.by("iris")
    await scene.desk.house.kill_switches.set(SetKillSwitch(scene.desk.tenant.id, True, "stop"), iris)
    clock.advance(timedelta(minutes=20))

    closed = await scene.close(found)

    assert not may(scene, await scene.by("iris"), Action.COST_READ)
    assert [each.act.value for each in closed.steps] == ["close", "ask"]
    request = (await scene.review()).request
    assert request.requester_id == scene.people["iris"].id
    assert request.roles == (Role.APPROVER_SECURITY, Role.APPROVER_RELIABILITY)
    told = {line.label: line.value for line in request.intent.act}
    assert told["Reason given"] == REASON
    assert told["Acts"] == "1"
    assert told["Act 1"].startswith("kill_switch.set at ")
    assert [each.label for each in request.intent.evidence] == [
        "Receipt: opened", "Receipt: closed", "Receipt: kill_switch.set",
    ]  # fmt: skip
    with pytest.raises(Conflict) as over:
        await scene.close(found)
    assert over.value.code == "NOT_OPEN"


async def test_two_who_did_not_break_it_review_it(scene):
    found = await scene.break_glass("rita")
    await scene.close(found, "rita")
    with pytest.raises(Denied):
        await scene.approve("rita")
    await scene.approve("sam")
    with pytest.raises(Conflict) as same:
        await scene.approve("sam")
    assert same.value.code == "SAME_APPROVER"
    assert (await scene.look(found)).state(scene.desk.house.clock.now()) is GlassState.UNREVIEWED

    await scene.approve("rex")
    await scene.work()

    assert (await scene.look(found)).state(scene.desk.house.clock.now()) is GlassState.ACCEPTED
    kinds = await scene.receipts("break_glass.%")
    assert [kind for kind, _ in kinds] == [
        "break_glass.opened", "break_glass.closed", "break_glass.reviewed",
    ]  # fmt: skip
    result = kinds[-1][1]["result"]
    assert result["outcome"] == "accepted"
    assert {each["person"] for each in result["approvals"]} == {
        str(scene.people["sam"].id), str(scene.people["rex"].id),
    }  # fmt: skip
    assert result["requester"]["person"] == str(scene.people["rita"].id)
    await scene.work()
    assert len(await scene.receipts("break_glass.%")) == 3


async def test_an_objection_is_the_outcome_too(scene):
    found = await scene.break_glass()
    await scene.close(found)
    await scene.deny("sid")
    await scene.work()

    emergency = await scene.look(found)
    assert emergency.state(scene.desk.house.clock.now()) is GlassState.OBJECTED
    assert emergency.steps[-1].reason == "Sid objected: it could have waited"
    assert (await scene.receipts("break_glass.reviewed"))[0][1]["result"]["outcome"] == "objected"


async def test_time_closes_it_and_asks_for_the_review(scene, clock):
    found = await scene.break_glass()
    assert await scene.work() == []
    clock.advance(HOUR + MOMENT)

    assert Job.ATTEND_BREAK_GLASS in await scene.work()

    emergency = await scene.look(found)
    assert [(each.act.value, each.actor_name) for each in emergency.steps] == [
        ("close", "Trust Portal scheduler"), ("ask", "Trust Portal scheduler"),
    ]  # fmt: skip
    assert emergency.ended_at == found.grant.until


async def test_what_its_job_gave_up_is_followed_up_until_the_review_is_asked_for(scene, clock):
    found = await scene.break_glass()
    house = scene.desk.house
    await house.glass_reviews.follow_up()
    assert await scene.work() == [], "it is open"
    async with house.storage.write(TenantScope(scene.desk.tenant.id)) as session:
        await session.execute(delete(outbox).where(outbox.c.job == Job.ATTEND_BREAK_GLASS.value))
    clock.advance(HOUR + MOMENT)
    assert Job.ATTEND_BREAK_GLASS not in await scene.work()
    assert (await scene.look(found)).steps == ()

    for _ in range(2):
        await house.glass_reviews.follow_up()

    assert (await scene.work()).count(Job.ATTEND_BREAK_GLASS) == 1
    assert [each.act.value for each in (await scene.look(found)).steps] == ["close", "ask"]
    await house.glass_reviews.follow_up()
    assert Job.ATTEND_BREAK_GLASS not in await scene.work()


async def test_a_review_that_nobody_was_asked_for_is_followed_up(scene):
    found = await scene.break_glass()
    house = scene.desk.house
    for name in ("rex", "rita"):
        await house.people.suspend(CONSOLE, VENDOR_ID, scene.people[name].id)
    assert [each.act.value for each in (await scene.close(found)).steps] == ["close"]
    await house.people.grant(GrantRole(VENDOR_ID, scene.people["fay"].id, Role.APPROVER_RELIABILITY), CONSOLE)

    await house.glass_reviews.follow_up()
    await scene.work()

    assert (await scene.look(found)).asked == 1


async def test_a_review_that_is_not_given_is_asked_for_again_and_everybody_hears_of_it(scene, clock):
    found = await scene.break_glass()
    await scene.close(found)
    first = (await scene.review()).request
    clock.advance(timedelta(days=7, seconds=2))
    await scene.work()

    again = (await scene.review()).request
    assert again.id != first.id
    assert again.digest == first.digest
    assert (await scene.look(found)).asked == 2
    assert [
        each.emergency.grant.id
        for each in await scene.desk.house.break_glass.unreviewed(await scene.by("sam"))
    ] == [found.grant.id]
    await scene.approve("sam")
    await scene.approve("rex")
    await scene.work()
    assert (await scene.look(found)).state(clock.now()) is GlassState.ACCEPTED
    assert await scene.desk.house.break_glass.unreviewed(await scene.by("sam")) == ()


async def test_who_broke_it_does_not_take_the_review_back(scene):
    found = await scene.break_glass()
    await scene.close(found)
    request = (await scene.review()).request

    with pytest.raises(Conflict) as owed:
        await scene.desk.house.decisions.withdraw(
            Withdraw(request.tenant_id, request.id, "never mind"), await scene.by("iris")
        )
    assert owed.value.code == "REVIEW_IS_OWED"


async def test_where_nobody_is_left_to_review_it_ends_all_the_same_and_stays_in_sight(scene, clock):
    found = await scene.break_glass()
    for name in ("rex", "rita"):
        await scene.desk.house.people.suspend(CONSOLE, VENDOR_ID, scene.people[name].id)
    closed = await scene.close(found)
    assert [each.act.value for each in closed.steps] == ["close"]

    await scene.desk.house.people.grant(
        GrantRole(VENDOR_ID, scene.people["fay"].id, Role.APPROVER_RELIABILITY), CONSOLE
    )
    clock.advance(HOUR + MOMENT)
    await scene.work()
    assert (await scene.look(found)).asked == 1


async def test_security_ends_it_and_strangers_do_not(scene):
    found = await scene.break_glass()
    with pytest.raises(Denied):
        await scene.close(found, "fay")
    closed = await scene.close(found, "sam")
    assert closed.steps[0].actor_name == "Sam"


async def test_a_review_by_somebody_who_is_no_approver_any_more_is_asked_for_again(scene):
    found = await scene.break_glass()
    await scene.close(found)
    await scene.approve("sam")
    await scene.approve("rex")
    await scene.desk.house.people.suspend(CONSOLE, VENDOR_ID, scene.people["sam"].id)
    await scene.work()

    sid = await scene.by("sid")
    emergency, _ = await scene.desk.house.break_glass.get(sid, scene.desk.tenant.id, found.grant.id)
    assert (emergency.asked, emergency.state(scene.desk.house.clock.now())) == (2, GlassState.UNREVIEWED)
