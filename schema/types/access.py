"""Who looked at a tenant's things."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from trust_portal.access.access_log import model
from trust_portal.access.access_log.model import Group, Looker, Verb
from trust_portal.kernel.actor import ActorKind
from trust_portal.learning.incidents.model import NOUN as INCIDENT
from trust_portal.learning.incidents.model import told_in_a_log

strawberry.enum(
    ActorKind, name="ActorKind", description="A person, a token that acts for one, or the portal itself."
)
strawberry.enum(Group, name="AccessGroup", description="Whose people somebody belongs to.")
strawberry.enum(Looker, name="Looker", description="Who looked; what came by a token is a program's.")
strawberry.enum(Verb, name="AccessVerb", description="What was done.")


@strawberry.type(description="Somebody read or downloaded something of a tenant.")
class AccessEntry:
    id: strawberry.ID
    at: datetime
    actor_name: str
    actor_kind: ActorKind
    group: Group
    verb: Verb
    what: str = strawberry.field(description="The kind of thing.")
    subject: str = strawberry.field(description="Its id or name; empty for a list.")
    purpose: str = strawberry.field(description="Why, in words.")


def access_entry(entry: model.AccessEntry) -> AccessEntry:
    access = entry.access
    return AccessEntry(
        id=encode("AccessEntry", entry.tenant_id, entry.id),
        at=entry.at,
        actor_name=entry.actor_name,
        actor_kind=entry.actor_kind,
        group=entry.group,
        verb=access.verb,
        what=access.what,
        subject=told_in_a_log(access.subject) if access.what == INCIDENT else access.subject,
        purpose=access.purpose,
    )
