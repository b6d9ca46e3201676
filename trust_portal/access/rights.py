"""Who may do what, read off the policies: the table of docs/access.md.

python -m trust_portal.access.rights
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from trust_portal.access.action import Action, TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.automation import UNHINDERED, Context, Reversal
from trust_portal.access.policy import PolicySet, Resource, shipped_policies
from trust_portal.kernel.actor import CUSTOMER_ROLES, SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID

#: What is supposed of acts that are decided by their circumstances: nothing stands against them.
UNHINDERED_ACTS: Final[Mapping[Action, Context]] = {
    Action.PLAYBOOK_EXECUTE: UNHINDERED.context,
    Action.PLAYBOOK_REVERSE: Reversal(()).context,
}
_HOME: Final = UUID(int=1)
_ELSEWHERE: Final = UUID(int=2)
_SOMEBODY: Final = UUID(int=3)


def actor_with(role: Role, kind: ActorKind = ActorKind.PERSON) -> Actor:
    """A person with one role (or their token, with every scope), at the side the role belongs to."""
    return Actor(
        kind=kind,
        id=_SOMEBODY,
        name=role.value,
        tenant_id=_HOME if role in CUSTOMER_ROLES else VENDOR_ID,
        roles=frozenset({role}),
        scopes=frozenset(TokenScope) if kind is ActorKind.TOKEN else frozenset(),
        person_id=_SOMEBODY,
    )


def reach(policies: PolicySet, actor: Actor, action: Action) -> str:
    """How far ``actor`` may do ``action``.

    ``yes`` (of the house), ``all`` tenants, ``own`` (tenant, sessions, or what is one's own of the house),
    ``token`` (only through one), or nothing.
    """
    if not action.of_a_tenant:
        if policies.decide(actor, action, Resource.of_house("thing")).allowed:
            return "yes"
        if actor.kind is ActorKind.PERSON:
            if policies.decide(actor, action, Resource("thing", VENDOR_ID, None, actor.id)).allowed:
                return "own"
            token = actor_with(next(iter(actor.roles)), ActorKind.TOKEN)
            return "token" if policies.decide(token, action, Resource.of_house("thing")).allowed else ""
        return ""
    person_id = actor.id if actor.kind is ActorKind.PERSON else None
    at_home, elsewhere, of_others = (
        policies.decide(
            actor, action, Resource("thing", tenant_id, None, owner), UNHINDERED_ACTS.get(action)
        ).allowed
        for tenant_id, owner in (
            (actor.tenant_id, person_id),
            (_ELSEWHERE, None),
            (actor.tenant_id, None),
        )
    )
    if elsewhere:
        return "all"
    return "own" if at_home or of_others else ""


def rights_table(policies: PolicySet) -> str:
    """Markdown: a row per action, a column per role, then the two actors without a person."""
    actors = {role.value.replace("_", " "): actor_with(role) for role in Role}
    actors |= {"scheduler": SYSTEM, "console": CONSOLE}
    lines = [
        f"| action | {' | '.join(actors)} |",
        f"|---|{'---|' * len(actors)}",
        *(
            f"| `{action.value}` | {' | '.join(reach(policies, actor, action) for actor in actors.values())} |"
            for action in Action
        ),
    ]
    return "\n".join(line.replace("|  ", "| ") for line in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rights_table(shipped_policies()))
