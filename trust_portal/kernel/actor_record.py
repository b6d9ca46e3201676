"""An actor as JSON: who asked for what is done later, by a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from trust_portal.kernel.actor import Actor, ActorKind, BrokenGlass, Role
from trust_portal.kernel.canonical import Json


def actor_to_json(actor: Actor) -> dict[str, Json]:
    return {
        "kind": actor.kind.value,
        "id": str(actor.id),
        "name": actor.name,
        "tenant": str(actor.tenant_id),
        "roles": sorted(role.value for role in actor.roles),
        "person": None if actor.person_id is None else str(actor.person_id),
        "glass": {str(each.tenant_id): str(each.id) for each in actor.glass},
    }


def actor_from_json(value: Mapping[str, Any]) -> Actor:
    """The actor as it was; scopes are not kept, a request gives no authority to what follows it."""
    roles: Sequence[str] = value["roles"]
    glass: Mapping[str, str] = value.get("glass", {})
    return Actor(
        kind=ActorKind(value["kind"]),
        id=UUID(value["id"]),
        name=value["name"],
        tenant_id=UUID(value["tenant"]),
        roles=frozenset(Role(each) for each in roles),
        person_id=None if value["person"] is None else UUID(value["person"]),
        glass=frozenset(BrokenGlass(UUID(id_), UUID(tenant)) for tenant, id_ in glass.items()),
    )
