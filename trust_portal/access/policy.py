"""Cedar decides (https://www.cedarpolicy.com): texts in, a decision with the ids that made it out.

Default deny; a forbid wins over every permit; a policy that fails to evaluate denies. The texts
are checked against ``policies/schema.cedarschema`` when they are loaded, and the house does not
start on texts that do not fit it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import cedarpy

from trust_portal.access.action import Action
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.approvals.rules import Rule, parse_rules
from trust_portal.access.automation import Context
from trust_portal.errors import BadPolicies, Broken, UnknownToPolicies
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import VENDOR_ID

SCHEMA = "schema.cedarschema"
#: The rules of dual control, beside the policies and part of their version.
APPROVALS = "approvals.yaml"

#: Decisions kept by one set of policies. They follow from texts and question alone, so that none goes stale.
_MOST_KNOWN: Final = 4096
_SYSTEM_NAMES = {SYSTEM.id: "scheduler", CONSOLE.id: "console"}
_POLICY_START = re.compile(r"^(?:permit|forbid)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Resource:
    """What is acted on. ``kind`` is the noun a refusal uses ("SLA report"); ``id`` None: the whole list.

    ``person_id`` is whose session or token it is, where it is somebody's.
    """

    kind: str
    tenant_id: UUID
    id: UUID | str | None = None
    person_id: UUID | None = None

    @classmethod
    def of_house(cls, kind: str, id: UUID | str | None = None) -> Resource:
        """Something of the installation itself; it lives at the vendor."""
        return cls(kind, VENDOR_ID, id)

    @classmethod
    def tenant(cls, tenant_id: UUID) -> Resource:
        """The tenant as such."""
        return cls("tenant", tenant_id, tenant_id)


@dataclass(frozen=True, slots=True)
class Decision:
    """``policies``: sorted ids of the rules that decided; none means that no rule permits it.

    ``version`` is ``PolicySet.version``, so a receipt says by which texts it was decided.
    """

    allowed: bool
    policies: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One file of policies, as shown to who may read the rules."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Validated policies, and the rules of dual control by kind.

    ``version`` is the hex SHA-256 over the names and texts, schema included.
    """

    texts: tuple[PolicyText, ...]
    version: str
    approval_rules: Mapping[ApprovalKind, Rule]
    _policies: Any = field(repr=False)
    _schema: Any = field(repr=False)
    _known: dict[tuple[Actor, Action, Resource], Decision] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> PolicySet:
        """Policies from file name → text, one of them ``schema.cedarschema``.

        Without ``approvals.yaml`` nothing that needs approval can be done. Raises ``BadPolicies`` naming what does not parse, does not fit the schema, has no ``@id`` or
        shares one.
        """
        if SCHEMA not in texts:
            raise BadPolicies(f"the policies have no {SCHEMA}")
        body = "\n".join(text for name, text in sorted(texts.items()) if name.endswith(".cedar"))
        try:
            schema = cedarpy.Schema.from_str(texts[SCHEMA])
            policies = cedarpy.PolicySet.from_str(body)
        except ValueError as error:
            raise BadPolicies(f"the policies do not parse: {error}") from error
        verdict = cedarpy.validate_policies(body, schema)
        if not verdict.validation_passed:
            findings = "; ".join(str(error) for error in verdict.errors)
            raise BadPolicies(f"the policies do not fit their schema: {findings}")
        _check_ids(body)
        return cls(
            texts=tuple(PolicyText(name, text) for name, text in sorted(texts.items())),
            version=digest(dict(texts)),
            approval_rules=parse_rules(texts[APPROVALS]) if APPROVALS in texts else {},
            _policies=policies,
            _schema=schema,
        )

    def decide(
        self, actor: Actor, action: Action, resource: Resource, context: Context | None = None
    ) -> Decision:
        """Pure evaluation, about 1 ms; what was asked lately with no context is answered from memory.

        ``context`` is what the schema asks for with the action (most ask for nothing); another one,
        or none where one is asked for, is ``UnknownToPolicies``, as an action is that their schema does not have.
        A policy that fails while it is evaluated is ``Broken``.
        """
        if context:
            return self._evaluated(actor, action, resource, context)
        asked = actor, action, resource
        decision = self._known.get(asked)
        if decision is None:
            decision = self._evaluated(actor, action, resource, {})
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[asked] = decision
        return decision

    def _evaluated(self, actor: Actor, action: Action, resource: Resource, context: Context) -> Decision:
        principal = _principal(actor)
        target = {"type": "Resource", "id": f"{resource.kind}:{resource.id or resource.tenant_id}"}
        request = {
            "principal": principal,
            "action": {"type": "Action", "id": action.value},
            "resource": target,
            "context": dict(context),
        }
        entities = json.dumps([_actor_entity(actor, principal), _resource_entity(resource, target)])
        answer = cedarpy.is_authorized(request, self._policies, entities, self._schema)
        # Neither is a denial, but a fault of ours.
        if answer.decision is cedarpy.Decision.NoDecision:
            raise UnknownToPolicies(f"not a question that the policies know: {answer.diagnostics.errors}")
        if answer.diagnostics.errors:
            raise Broken(f"policy evaluation failed: {answer.diagnostics.errors}", code="BAD_POLICY")
        return Decision(
            allowed=answer.allowed,
            policies=tuple(sorted(answer.diagnostics.id_annotations_by_reason.values())),
            version=self.version,
        )


@lru_cache(maxsize=1)
def shipped_policies() -> PolicySet:
    """The policies of this installation, parsed once per process."""
    folder = files("trust_portal.access") / "policies"
    return PolicySet.parse(
        {
            entry.name: entry.read_text("utf-8")
            for entry in folder.iterdir()
            if entry.name in {SCHEMA, APPROVALS} or entry.name.endswith(".cedar")
        }
    )


def _check_ids(body: str) -> None:
    ids: list[str] = re.findall(r'^@id\("([^"]+)"\)\s*$', body, re.MULTILINE)
    if len(ids) != len(_POLICY_START.findall(body)):
        raise BadPolicies("every policy needs an @id on the line before it")
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise BadPolicies(f"two policies share an @id: {', '.join(twice)}")


def _uid(type_: str, id: object) -> dict[str, str]:
    return {"type": type_, "id": str(id)}


def _entity(type_: str, id: object) -> dict[str, dict[str, str]]:
    return {"__entity": _uid(type_, id)}


def _principal(actor: Actor) -> dict[str, str]:
    match actor.kind:
        case ActorKind.PERSON:
            return _uid("Person", actor.id)
        case ActorKind.TOKEN:
            return _uid("Token", actor.id)
        case ActorKind.SYSTEM:
            return _uid("System", _SYSTEM_NAMES.get(actor.id, "unknown"))


def _actor_entity(actor: Actor, uid: dict[str, str]) -> dict[str, object]:
    attributes: dict[str, object] = {
        "tenant": _entity("Tenant", actor.tenant_id),
        "staff": actor.is_staff,
    }
    if actor.kind is ActorKind.TOKEN:
        attributes["scopes"] = sorted(actor.scopes)
        if actor.person_id is not None:
            attributes["person"] = _entity("Person", actor.person_id)
    if actor.kind is not ActorKind.SYSTEM and actor.glass:
        tenants = sorted({str(each.tenant_id) for each in actor.glass})
        attributes["glass"] = [_entity("Tenant", tenant_id) for tenant_id in tenants]
    # The clockwork has no roles: what it may do is written out for it by name.
    roles = () if actor.kind is ActorKind.SYSTEM else sorted(actor.roles)
    return {"uid": uid, "attrs": attributes, "parents": [_uid("Role", role) for role in roles]}


def _resource_entity(resource: Resource, uid: dict[str, str]) -> dict[str, object]:
    attributes: dict[str, object] = {
        "tenant": _entity("Tenant", resource.tenant_id),
        "kind": resource.kind,
    }
    if resource.person_id is not None:
        attributes["person"] = _entity("Person", resource.person_id)
    return {"uid": uid, "attrs": attributes, "parents": []}
