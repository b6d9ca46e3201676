"""While older texts decide, what they do not know is refused; what is a fault of ours is no refusal."""

from __future__ import annotations

from typing import cast
from uuid import uuid4

import pytest

from trust_portal.access.action import Action
from trust_portal.access.actors import CONSOLE
from trust_portal.access.denials import Denials
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, PolicySet, Resource, shipped_policies
from trust_portal.access.rights import actor_with
from trust_portal.errors import Broken, UnknownToPolicies
from trust_portal.kernel.actor import SYSTEM, Role

TEXTS = {each.name: each.text for each in shipped_policies().texts}
#: As if reading refusals had come with this program.
OLDER = PolicySet.parse(
    {name: text.replace('"tenant:denial:read"', '"tenant:no:read"') for name, text in TEXTS.items()}
)
FAILING = PolicySet.parse(
    TEXTS
    | {
        "z.cedar": '@id("overflows")\npermit (principal, action == Action::"tenant:denial:read", resource)'
        " when { 9223372036854775807 + 1 > 2 };"
    }
)
SECURITY = actor_with(Role.APPROVER_SECURITY)
REFUSALS = Resource("denial", uuid4())


def gate(in_force: PolicySet) -> Gate:
    """Of this program, deciding by other texts. Nothing is asked that records a refusal."""
    made = Gate(shipped_policies(), cast("Denials", None))
    made.policies = in_force
    return made


def test_an_act_that_older_texts_do_not_have_is_refused_and_all_else_is_decided_by_them() -> None:
    assert gate(shipped_policies()).allows(SECURITY, Action.DENIAL_READ, REFUSALS)
    assert gate(OLDER).decide(SECURITY, Action.DENIAL_READ, REFUSALS) == Decision(False, (), OLDER.version)
    known = gate(OLDER).decide(CONSOLE, Action.POLICIES_READ, Resource.of_house("policies"))
    assert (known.allowed, known.version) == (True, OLDER.version)


@pytest.mark.parametrize("in_force", [shipped_policies(), OLDER], ids=["own", "older"])
def test_a_question_that_this_programs_own_texts_do_not_know_is_a_fault_whoever_decides(
    in_force: PolicySet,
) -> None:
    with pytest.raises(UnknownToPolicies) as fault:
        gate(in_force).decide(SYSTEM, Action.PLAYBOOK_EXECUTE, Resource("run", uuid4()))
    assert fault.value.code == "UNKNOWN_TO_POLICIES"


def test_a_policy_that_fails_is_a_fault_and_no_refusal_also_where_the_texts_are_older() -> None:
    with pytest.raises(Broken) as fault:
        gate(FAILING).decide(SECURITY, Action.DENIAL_READ, REFUSALS)
    assert (type(fault.value), fault.value.code) == (Broken, "BAD_POLICY")
    assert "overflow" in fault.value.message
