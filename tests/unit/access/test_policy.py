"""The policies say what docs/access.md says, and nothing more."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from jobs.approvals import SETTLED
from trust_portal.access.action import CUSTOMER_SCOPES, Action, TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.automation import UNHINDERED, Counted, Reversal
from trust_portal.access.policy import SCHEMA, PolicySet, Resource, shipped_policies
from trust_portal.access.rights import UNHINDERED_ACTS, actor_with, reach, rights_table
from trust_portal.errors import BadPolicies, UnknownToPolicies
from trust_portal.kernel.actor import CUSTOMER_ROLES, SYSTEM, Actor, ActorKind, BrokenGlass, Role
from trust_portal.kernel.ids import VENDOR_ID

POLICIES = shipped_policies()
DOCUMENT = Path(__file__).parents[3] / "docs" / "access.md"
TEXTS = {each.name: each.text for each in POLICIES.texts}

#: In the order of the schema: scope → its actions, and those of no scope.
SCOPE_OF = {
    action: [scope for scope in TokenScope if f'"scope:{scope}"' in block]
    for block in re.findall(r"^action\b.*?;", TEXTS[SCHEMA], re.MULTILINE | re.DOTALL)
    for action in Action
    if f'"{action.value}"' in block
}


def decide(actor, action, resource):
    """As things are where nothing stands against an act."""
    return POLICIES.decide(actor, action, resource, UNHINDERED_ACTS.get(action))


def test_actions_are_in_alphabetical_order_and_of_one_form():
    values = [action.value for action in Action]

    assert values == sorted(values)
    assert all(re.fullmatch(r"(house|tenant):[a-z_]+:[a-z]+", value) for value in values)


def test_every_action_role_and_reach_is_as_documented():
    assert rights_table(POLICIES) in DOCUMENT.read_text("utf-8"), (
        "docs/access.md is out of date: paste what `python -m trust_portal.access.rights` prints"
    )


def test_what_approval_is_asked_for_today_is_as_documented():
    (listed,) = re.findall(r"In use are [^.]*", DOCUMENT.read_text("utf-8"))
    used = set(re.findall(r"`(\w+)`", listed))
    assert used == {kind.value for kind in SETTLED} == {kind.value for kind in POLICIES.approval_rules}


def test_every_action_is_somebodys_but_a_credit_of_ones_own_and_what_only_an_emergency_permits():
    actors = [*(actor_with(role) for role in Role), SYSTEM, CONSOLE]

    nobodys = [a for a in Action if not any(reach(POLICIES, actor, a) for actor in actors)]
    assert nobodys == [Action.OWN_CREDIT_ISSUE, Action.UNAPPROVED_PLAYBOOK_EXECUTE]


def test_the_schema_groups_every_action_by_its_first_word_and_at_most_one_scope():
    assert set(SCOPE_OF) == set(Action)
    assert all(len(scopes) <= 1 for scopes in SCOPE_OF.values())
    house = re.findall(r"^action\b(?:(?!;).)*?in \[\"house\"", TEXTS[SCHEMA], re.MULTILINE | re.DOTALL)
    named = {value for block in house for value in re.findall(r'"(house:[a-z_:]+)"', block)}
    assert named == {action.value for action in Action if not action.of_a_tenant}


@pytest.mark.parametrize("role", sorted(CUSTOMER_ROLES))
def test_a_customer_can_do_nothing_in_another_tenant(role):
    actor = actor_with(role)
    for action in Action:
        if action.of_a_tenant:
            for tenant_id in (uuid4(), VENDOR_ID):
                decision = decide(actor, action, Resource("thing", tenant_id, None, actor.id))
                assert not decision.allowed
                assert "customers-stay-at-home" in decision.policies


@pytest.mark.parametrize("scope", TokenScope)
def test_a_token_does_what_its_scope_and_its_issuer_both_allow(scope):
    for role in Role:
        person = actor_with(role)
        token = replace(person, kind=ActorKind.TOKEN, scopes=frozenset({scope}))
        for action in Action:
            resource = Resource("thing", person.tenant_id)
            allowed = decide(token, action, resource).allowed
            issuer = decide(person, action, resource).allowed
            if action is Action.FACTS_INGEST:
                issuer = role in {Role.FINOPS_OPERATOR, Role.SRE_OPERATOR, Role.VENDOR_ADMIN}
            assert allowed == (SCOPE_OF[action] == [scope] and issuer), (role, action)


def test_a_token_without_scopes_does_nothing():
    for role in Role:
        token = replace(actor_with(role), kind=ActorKind.TOKEN)
        assert not any(decide(token, a, Resource("thing", token.tenant_id)).allowed for a in Action)


def test_acts_on_people_roles_tokens_sessions_and_webhooks_and_decisions_are_for_persons_only():
    nouns = {
        "own_notification",
        "own_passkey",
        "own_session",
        "person",
        "role",
        "session",
        "sign_in_link",
        "token",
    }
    assert {action for action, scopes in SCOPE_OF.items() if not scopes} == {
        Action.ACCESS_REVIEW,
        Action.AUDIT_INVITE,
        Action.AUDIT_REVOKE,
        Action.APPROVAL_DECIDE,
        Action.APPROVAL_EXPIRE,
        Action.APPROVAL_WITHDRAW,
        Action.AUDIT_INVITE,
        Action.AUDIT_REVOKE,
        Action.CREDIT_ISSUE,
        Action.CREDIT_REJECT,
        Action.CUSTOMER_KEY_SET,
        Action.KEY_ROTATION_REQUEST,
        Action.OWN_CREDIT_ISSUE,
        Action.POSTMORTEM_RELEASE,
        Action.POSTMORTEM_REVIEW,
        Action.POSTMORTEM_SIGN,
        Action.PREVENTION_ACTION_DROP,
        Action.QBR_REVIEW,
        Action.WORKPLACE_SET,
        Action.POLICY_CHANGE_REQUEST,
        Action.BREAK_GLASS_CLOSE,
        Action.BREAK_GLASS_OPEN,
        Action.UNAPPROVED_PLAYBOOK_EXECUTE,
        Action.WEBHOOK_CHANGE,
        Action.WEBHOOK_CREATE,
        Action.WEBHOOK_DISABLE,
        Action.WEBHOOK_ROTATE,
        Action.WEBHOOK_TEST,
        *(action for action in Action if action.value.split(":")[1] in nouns),
    }
    assert {TokenScope.OPERATE, TokenScope.READ} == CUSTOMER_SCOPES


def test_a_system_actor_that_nobody_named_does_nothing_but_read_keys():
    stranger = replace(SYSTEM, id=uuid4(), roles=frozenset(Role))

    allowed = [a for a in Action if decide(stranger, a, Resource("thing", VENDOR_ID)).allowed]

    assert allowed == [Action.KEYS_READ]


def test_nobody_without_a_role_does_more_than_read_keys_and_mind_what_is_their_own():
    nobody = replace(actor_with(Role.CUSTOMER_VIEWER), roles=frozenset())

    allowed = [
        a for a in Action if decide(nobody, a, Resource("thing", nobody.tenant_id, None, nobody.id)).allowed
    ]

    assert allowed == [
        Action.KEYS_READ,
        Action.APPROVAL_WITHDRAW,
        Action.BREAK_GLASS_CLOSE,
        Action.OWN_NOTIFICATION_CHOOSE,
        Action.OWN_NOTIFICATION_READ,
        Action.OWN_PASSKEY_ENROL,
        Action.OWN_PASSKEY_READ,
        Action.OWN_PASSKEY_REVOKE,
        Action.OWN_SESSION_READ,
        Action.OWN_SESSION_REVOKE,
    ]


def test_own_sessions_are_ones_own():
    vera = actor_with(Role.CUSTOMER_ADMIN)

    assert not decide(
        vera, Action.OWN_SESSION_REVOKE, Resource("session", vera.tenant_id, None, uuid4())
    ).allowed


def test_a_decision_names_the_rules_that_made_it():
    viewer = actor_with(Role.CUSTOMER_VIEWER)

    permitted = decide(viewer, Action.SLA_REPORT_READ, Resource("SLA report", viewer.tenant_id))
    unruled = decide(viewer, Action.SLA_REPORT_ISSUE, Resource("SLA report", viewer.tenant_id))

    assert permitted.policies == ("customer-reads-own-tenant",)
    assert (unruled.allowed, unruled.policies) == (False, ())
    assert permitted.version == unruled.version == POLICIES.version
    assert re.fullmatch(r"[0-9a-f]{64}", POLICIES.version)


def test_what_was_asked_before_is_answered_anew_for_everybody_else_and_by_other_texts():
    """A person who loses a role, or breaks a glass, is another actor; other policies remember nothing of these."""
    pmo = actor_with(Role.PMO)
    asked = Action.ESCALATION_ACKNOWLEDGE, Resource.of_house("escalation")
    closed = PolicySet.parse({**TEXTS, "z.cedar": '@id("closed")\nforbid (principal, action, resource);'})

    first, again = POLICIES.decide(pmo, *asked), POLICIES.decide(pmo, *asked)

    assert first == again
    assert first.allowed
    assert not POLICIES.decide(replace(pmo, roles=frozenset()), *asked).allowed
    assert not closed.decide(pmo, *asked).allowed
    assert POLICIES.decide(pmo, *asked).allowed


def test_the_version_changes_with_any_text():
    changed = PolicySet.parse({**TEXTS, "staff.cedar": TEXTS["staff.cedar"] + "// a word more\n"})

    assert PolicySet.parse(TEXTS).version == POLICIES.version
    assert changed.version != POLICIES.version


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"a.cedar": "permit (principal, action, resource);"}, SCHEMA),
        ({**TEXTS, "z.cedar": "permit principal;"}, "do not parse"),
        ({**TEXTS, SCHEMA: "entity"}, "do not parse"),
        (
            {**TEXTS, "z.cedar": '@id("z")\npermit (principal, action == Action::"house:x:y", resource);'},
            "schema",
        ),
        (
            {
                **TEXTS,
                "z.cedar": '@id("z")\npermit (principal, action, resource) when { principal.age > 3 };',
            },
            "schema",
        ),
        ({**TEXTS, "z.cedar": "permit (principal, action, resource);"}, "@id"),
        ({**TEXTS, "z.cedar": '@id("pmo-reads-incidents")\npermit (principal, action, resource);'}, "share"),
    ],
)
def test_policies_that_do_not_hold_are_refused_at_the_start(texts, says):
    with pytest.raises(BadPolicies, match=says) as refused:
        PolicySet.parse(texts)

    assert refused.value.code == "BAD_POLICY"


def test_the_roles_in_the_policies_are_the_roles_of_the_house():
    named = set(re.findall(r'Role::"([a-z_]+)"', "\n".join(TEXTS.values())))

    assert named == {role.value for role in Role}


def execute(**change):
    context = replace(UNHINDERED, **change).context
    decision = POLICIES.decide(SYSTEM, Action.PLAYBOOK_EXECUTE, Resource("run", uuid4()), context)
    return decision.allowed, decision.policies


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"approved": False}, "playbooks-need-approval"),
        ({"approved": False, "act": "enable_cache"}, "playbooks-need-approval"),
        ({"approved": False, "act": "throttle_exports", "mode": "automatic"}, "playbooks-need-approval"),
        ({"in_force": False}, "playbook-must-be-in-force"),
        ({"anomaly": "over"}, "anomaly-must-stand"),
        ({"mode": "propose"}, "proposals-are-for-people"),
        ({"stopped": ("everywhere",)}, "kill-switch"),
        ({"stopped": ("playbook", "tenant")}, "kill-switch"),
        ({"anomaly": "planned"}, "anomaly-must-stand"),
        ({"anomaly": "merged"}, "anomaly-must-stand"),
        ({"minutes_since_last": 59, "cool_down_minutes": 60}, "cool-down"),
        ({"actions": Counted(2, 2)}, "limit-of-actions"),
        ({"house_actions": Counted(6, 6)}, "limit-of-actions"),
        ({"tenants": Counted(2, 1)}, "limit-of-tenants"),
        ({"money": 101, "money_limit": 100}, "limit-of-money"),
        ({"money_limit": None}, "limit-of-money"),
    ],
)
def test_automation_is_refused_by_the_rule_that_it_would_break(change, rule):
    assert execute(**change) == (False, (rule,))


def test_automation_may_go_up_to_every_limit_and_no_further():
    at_the_edge = {
        "minutes_since_last": 60,
        "cool_down_minutes": 60,
        "actions": Counted(1, 2),
        "house_actions": Counted(5, 6),
        "tenants": Counted(3, 3),
        "money": 100,
        "money_limit": 100,
    }
    assert execute(**at_the_edge) == (True, ("approved-playbooks-are-executed",))


def test_safe_caching_is_automatic_only_where_its_playbook_says_so():
    assert execute(approved=False, act="enable_cache", mode="automatic") == (True, ("safe-cache-automatic",))
    assert execute(approved=False, act="enable_cache", mode="recommend")[0] is False


def test_a_switch_stops_what_takes_back_by_itself_and_no_person_who_does():
    stopped, resource = Reversal(("everywhere",)).context, Resource("run", uuid4())

    def reverse(actor):
        return POLICIES.decide(actor, Action.PLAYBOOK_REVERSE, resource, stopped)

    assert (reverse(SYSTEM).allowed, reverse(SYSTEM).policies) == (False, ("kill-switch",))
    assert reverse(actor_with(Role.SRE_OPERATOR)).allowed
    assert reverse(CONSOLE).allowed
    assert not reverse(actor_with(Role.CUSTOMER_ADMIN)).allowed


def test_what_is_decided_by_its_circumstances_is_not_decided_without_them():
    with pytest.raises(UnknownToPolicies):
        POLICIES.decide(SYSTEM, Action.PLAYBOOK_EXECUTE, Resource("run", uuid4()))


def broken_for(role: Role, *tenants) -> Actor:
    glass = frozenset(BrokenGlass(uuid4(), tenant_id) for tenant_id in tenants)
    return replace(actor_with(role), glass=glass)


#: What changes something, and may go on all the same: stopping, asking, bringing facts in, the emergency.
LEFT_OPEN = {
    Action.AUDIT_RUN,
    Action.FACTS_INGEST,
    Action.HOUSE_KILL_SWITCH_SET,
    Action.APPROVAL_WITHDRAW,
    Action.BREAK_GLASS_CLOSE,
    Action.BREAK_GLASS_OPEN,
    Action.EXPORT_REQUEST,
    Action.KILL_SWITCH_SET,
    Action.OWN_PASSKEY_REVOKE,
    Action.OWN_SESSION_REVOKE,
    Action.PLAYBOOK_PLAN,
    Action.PLAYBOOK_REQUEST,
    Action.PLAYBOOK_REVERSE,
    Action.SESSION_REVOKE,
    Action.TOKEN_REVOKE,
    Action.UNAPPROVED_PLAYBOOK_EXECUTE,
    Action.WEBHOOK_DISABLE,
}
READS = {action for action in Action if action.value.endswith((":read", ":download", ":preview"))}


def test_what_the_schema_calls_reading_changes_nothing():
    assert {action for action, scopes in SCOPE_OF.items() if scopes == [TokenScope.READ]} <= READS


@pytest.mark.parametrize("role", sorted(set(Role) - CUSTOMER_ROLES))
def test_what_a_broken_glass_gives_is_two_lists_and_all_but_one_is_closed(role):
    """To the letter, for whatever role: what is on no list is closed, a new action too."""
    tenant, other = uuid4(), uuid4()
    reads = named_in("broken-glass-reads")
    acts = named_in("broken-glass-acts")
    assert reads <= READS
    assert acts == {
        Action.KILL_SWITCH_SET,
        Action.PLAYBOOK_PLAN,
        Action.PLAYBOOK_REVERSE,
        Action.UNAPPROVED_PLAYBOOK_EXECUTE,
    }
    usual, broken = actor_with(role), broken_for(role, tenant)
    broken = replace(broken, id=usual.id, person_id=usual.person_id)
    for action in Action:
        for where in (tenant, other, VENDOR_ID):
            before = decide(usual, action, Resource("thing", where)).allowed
            gained = where == tenant and action in reads | acts
            expected = (before or gained) and action in READS | LEFT_OPEN
            assert decide(broken, action, Resource("thing", where)).allowed == expected, (action, where)


@pytest.mark.parametrize("role", sorted(set(Role) - CUSTOMER_ROLES))
def test_a_token_of_who_broke_the_glass_gains_nothing_and_loses_as_much(role):
    tenant = uuid4()
    usual = replace(actor_with(role), kind=ActorKind.TOKEN, scopes=frozenset(TokenScope))
    broken = replace(usual, glass=broken_for(role, tenant).glass)
    for action in Action:
        for where in (tenant, VENDOR_ID):
            before = decide(usual, action, Resource("thing", where)).allowed
            after = decide(broken, action, Resource("thing", where)).allowed
            assert after == (before and action in READS | LEFT_OPEN), (action, where)


def named_in(policy: str) -> set[Action]:
    (block,) = re.findall(rf'@id\("{policy}"\)(.*?);', TEXTS["break_glass.cedar"], re.DOTALL)
    return {Action(value) for value in re.findall(r'Action::"([^"]+)"', block)}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"act": "set_retention_tier"}, "broken-glass-deletes-nothing"),
        ({"stopped": ("tenant",)}, "kill-switch"),
        ({"anomaly": "planned"}, "anomaly-must-stand"),
        ({"mode": "propose"}, "proposals-are-for-people"),
        ({"actions": Counted(1, 1)}, "limit-of-actions"),
        ({"tenants": Counted(2, 1)}, "limit-of-tenants"),
        ({"money": 1}, "limit-of-money"),
        ({"minutes_since_last": 1, "cool_down_minutes": 2}, "cool-down"),
    ],
)
def test_alone_a_playbook_is_held_by_every_limit_and_deletes_nothing(change, rule):
    alone = replace(UNHINDERED, approved=False, alone=True)
    resource = Resource("playbook run", uuid4())
    assert POLICIES.decide(SYSTEM, Action.PLAYBOOK_EXECUTE, resource, alone.context).policies == (
        "broken-glass-executes-playbooks",
    )

    decision = POLICIES.decide(SYSTEM, Action.PLAYBOOK_EXECUTE, resource, replace(alone, **change).context)
    assert (decision.allowed, decision.policies) == (False, (rule,))
