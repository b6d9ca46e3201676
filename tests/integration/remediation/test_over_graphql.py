"""The same verbs over GraphQL: same services, same stored result, refusals as user errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from support.remediation_world import ProductProcess, World, person

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.access.break_glass.model import OpenBreakGlass
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.remediation.model import RunState, StepKind
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.kernel.actor import Actor, BrokenGlass, Role
from trust_portal.kernel.ids import VENDOR_ID

_RUN = (
    "{ id state action target { name value } savingPerHour dryRun steps { kind receiptId } canBeRolledBack }"
)


async def ask(world: World, actor: Actor, query: str, **variables: Any) -> Any:
    context = Context(house=world.house, caller=actor)
    answer = await schema.execute(query, variable_values=variables, context_value=context)
    assert answer.errors is None, answer.errors
    return answer.data


async def test_a_run_is_planned_asked_for_and_taken_back(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    planned = await ask(
        world,
        world.operator,
        f"mutation ($id: ID!, $playbook: String!) {{ planPlaybook(input: {{anomalyId: $id, playbook: $playbook}})"
        f" {{ run {_RUN} userErrors {{ code }} }} }}",
        id=encode("CostAnomaly", anomaly.tenant_id, anomaly.id),
        playbook="throttle-exports",
    )
    run = planned["planPlaybook"]["run"]
    assert run["target"] == [{"name": "operation", "value": "export"}]
    assert (run["state"], run["action"], run["savingPerHour"]) == ("PLANNED", "THROTTLE_EXPORTS", "88.965034")
    asked = await ask(
        world,
        world.operator,
        'mutation ($id: ID!) { requestPlaybookApproval(input: {runId: $id, reason: "It runs away."})'
        " { run { state } userErrors { code } } }",
        id=run["id"],
    )
    assert asked["requestPlaybookApproval"] == {"run": {"state": "WAITING"}, "userErrors": []}
    stored = await world.run_of(anomaly)
    assert (await world.executed(stored)).state is RunState.EXECUTED
    back = await ask(
        world,
        world.operator,
        'mutation ($id: ID!) { rollBackPlaybook(input: {runId: $id, reason: "Mended."})'
        " { run { state } userErrors { code } } }",
        id=run["id"],
    )
    assert back["rollBackPlaybook"]["run"] == {"state": "ROLLING_BACK"}
    await world.advance(stored)
    found = await ask(
        world,
        world.operator,
        "query ($id: ID!, $about: ID!) { node(id: $id) { ... on PlaybookRun { state canBeRolledBack } }"
        " playbookRuns(first: 5, anomalyId: $about, state: ROLLED_BACK) { edges { node { id } } } }",
        id=run["id"],
        about=encode("CostAnomaly", anomaly.tenant_id, anomaly.id),
    )
    assert found["node"] == {"state": "ROLLED_BACK", "canBeRolledBack": False}
    assert found["playbookRuns"]["edges"] == [{"node": {"id": run["id"]}}]


async def test_refusals_are_user_errors_and_change_nothing(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    answer = await ask(
        world,
        world.operator,
        'mutation ($id: ID!) { rollBackPlaybook(input: {runId: $id, reason: "Why not."})'
        " { run { state } userErrors { code } } }",
        id=encode("PlaybookRun", run.tenant_id, run.id),
    )
    assert answer["rollBackPlaybook"] == {"run": None, "userErrors": [{"code": "NOTHING_TO_ROLL_BACK"}]}
    assert await world.read(run) == run


ALONE = """mutation ($input: ExecutePlaybookAloneInput!) { executePlaybookAlone(input: $input) {
  run { state } userErrors { code path } } }"""


async def test_in_an_emergency_one_person_has_it_done_alone_and_nobody_without(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.planned(anomaly)
    given = {"runId": encode("PlaybookRun", run.tenant_id, run.id), "reason": "It eats the budget."}
    await person(world.house, "sid", Role.APPROVER_SECURITY)
    iris = await person(world.house, "iris", Role.INCIDENT_OWNER)
    for actor in (world.operator, iris):
        context = Context(house=world.house, caller=actor)
        denied = await schema.execute(ALONE, variable_values={"input": given}, context_value=context)
        assert denied.data == {"executePlaybookAlone": None}
    opened = await world.house.break_glass.open(
        OpenBreakGlass(run.tenant_id, "nobody answers and it grows"), iris
    )
    iris = replace(iris, glass=frozenset({BrokenGlass(opened.grant.id, run.tenant_id)}))
    for change, code, path in (
        ({"reason": " "}, "INVALID", ["input", "reason"]),
        ({"runId": "nonsense"}, "NOT_FOUND", ["input", "runId"]),
    ):
        refused = (await ask(world, iris, ALONE, input=given | change))["executePlaybookAlone"]
        assert refused == {"run": None, "userErrors": [{"code": code, "path": path}]}
    assert (await world.read(run), product.applied) == (run, [])
    done = (await ask(world, iris, ALONE, input=given))["executePlaybookAlone"]
    assert done == {"run": {"state": "EXECUTED"}, "userErrors": []}
    assert len(product.applied) == 1


async def test_the_kill_switch_is_set_and_read(world: World, anomaly: CostAnomaly):
    set_it = (
        'mutation ($stopped: Boolean!) { setKillSwitch(input: {stopped: $stopped, reason: "We look."})'
        " { killSwitch { reach stopped } userErrors { code } } }"
    )
    done = await ask(world, world.operator, set_it, stopped=True)
    assert done["setKillSwitch"] == {
        "killSwitch": {"reach": "EVERYWHERE", "stopped": True},
        "userErrors": [],
    }
    again = await ask(world, world.operator, set_it, stopped=True)
    assert again["setKillSwitch"]["userErrors"] == [{"code": "CONFLICT"}]
    read = await ask(world, world.operator, "{ killSwitches { reach reason setBy } }")
    assert read["killSwitches"] == [{"reach": "EVERYWHERE", "reason": "We look.", "setBy": "Olga"}]


async def test_how_a_playbook_stands_is_told_with_limits_cool_down_and_switch(
    world: World, product: ProductProcess, anomaly: CostAnomaly
):
    run = await world.executed(await world.planned(anomaly))
    everywhere = SetKillSwitch(VENDOR_ID, stopped=True, reason="We look.", playbook="throttle-exports")
    theirs = SetKillSwitch(anomaly.tenant_id, stopped=True, reason="They ask.")
    for each in (everywhere, theirs):
        await world.house.kill_switches.set(each, world.operator)
    query = (
        "query ($tenant: ID) { playbookStandings(tenantId: $tenant) { playbook mode coolDownMinutes"
        " coolingDown { tenantId target { name value } until } actionsThisHour { done limit }"
        " allActionsThisHour { done limit } tenantsPerRun moneyToday { currency done limit }"
        " runs { state count } stoppedBy { reach reason } } }"
    )
    acme = encode("Tenant", anomaly.tenant_id, anomaly.tenant_id)
    found = (await ask(world, world.operator, query, tenant=acme))["playbookStandings"]
    throttle = next(each for each in found if each["playbook"] == "throttle-exports")
    approved = run.step(StepKind.APPROVED)
    assert throttle == {
        "playbook": "throttle-exports",
        "mode": "APPROVAL",
        "coolDownMinutes": 120,
        "coolingDown": [
            {
                "tenantId": acme,
                "target": [{"name": "operation", "value": "export"}],
                "until": (approved.at + timedelta(minutes=120)).isoformat(),
            }
        ],
        "actionsThisHour": {"done": 1, "limit": 2},
        "allActionsThisHour": {"done": 1, "limit": 6},
        "tenantsPerRun": 3,
        "moneyToday": [
            {"currency": "EUR", "done": "2160.00", "limit": "5000.00"},
            {"currency": "GBP", "done": "0.00", "limit": "5000.00"},
            {"currency": "USD", "done": "0.00", "limit": "5000.00"},
            {"currency": "AUD", "done": "0.00", "limit": "8000.00"},
            {"currency": "JPY", "done": "0", "limit": "800000"},
        ],
        "runs": [{"state": "EXECUTED", "count": 1}],
        "stoppedBy": [
            {"reach": "TENANT", "reason": "They ask."},
            {"reach": "PLAYBOOK", "reason": "We look."},
        ],
    }
    world.clock.advance(timedelta(hours=2))
    everybody = (await ask(world, world.operator, query))["playbookStandings"]
    throttle = next(each for each in everybody if each["playbook"] == "throttle-exports")
    assert throttle["coolingDown"] == []
    assert throttle["stoppedBy"] == [{"reach": "PLAYBOOK", "reason": "We look."}]
