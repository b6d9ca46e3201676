"""Pagers are set up by an operator, with rules that can be tried first; each change has a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.facts.events import AlarmSource
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents import integrations_repository as repository
from trust_portal.learning.incidents.alarms import Alarm, read_alarm
from trust_portal.learning.incidents.integrations_model import (
    Integration,
    Refusal,
    SetIntegration,
    UnmatchedAlarm,
)
from trust_portal.learning.incidents.mapping import Ignored, Mapped, Unmatched, apply_mapping, parse_mapping
from trust_portal.learning.incidents.pager_secrets import PagerSecrets
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

NOUN: Final = "incident integration"
_VENDOR: Final = TenantScope(VENDOR_ID)
_MOST_UNMATCHED: Final = 50


@dataclass(frozen=True, slots=True)
class Tried:
    """What rules would make of a payload."""

    alarm: Alarm
    outcome: Mapped | Unmatched | Ignored


@dataclass(frozen=True, slots=True)
class IntegrationView:
    """A pager, what it was before, what no rule fitted, and what was turned away as it is now. ``token``: for who may set it, Alertmanager's."""

    integration: Integration
    versions: tuple[Integration, ...]
    unmatched: tuple[UnmatchedAlarm, ...]
    refusals: tuple[Refusal, ...]
    token: str | None


class Integrations:
    """The pagers of the installation."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, secrets: PagerSecrets) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._secrets = secrets

    async def all(self, actor: Actor) -> tuple[Integration, ...]:
        await self._may_read(actor)
        async with self._storage.read(_VENDOR) as session:
            return await repository.integrations(session)

    async def get(self, actor: Actor, kind: AlarmSource, name: str) -> IntegrationView:
        """One of them; ``NotFound`` if there is no such."""
        await self._may_read(actor)
        source = f"{kind.value}/{name}"
        async with self._storage.read(_VENDOR, snapshot=True) as session:
            versions = await repository.versions_of(session, source)
            unmatched = await repository.unmatched_of(session, source, _MOST_UNMATCHED)
            refusals = await repository.refusals_of(session, versions[0]) if versions else ()
        if not versions:
            raise NotFound(NOUN)
        may_set = self._gate.allows(actor, Action.INCIDENT_INTEGRATION_SET, Resource.of_house(NOUN))
        shown = may_set and not kind.signs
        token = self._secrets.token(source, versions[0].generation) if shown else None
        return IntegrationView(versions[0], versions, unmatched, refusals, token)

    async def try_rules(self, actor: Actor, kind: AlarmSource, rules: str, body: bytes) -> Tried:
        """What ``rules`` make of a delivery; nothing is told. ``InvalidInput``: rules, body or a path in it."""
        await self._may_read(actor)
        parsed = parse_mapping(rules)
        alarm = read_alarm(kind, body)
        return Tried(alarm, apply_mapping(parsed, alarm.fields))

    async def set(self, command: SetIntegration, actor: Actor) -> Integration:
        """The next version. ``Conflict``: STALE, ALREADY_THERE."""
        decision = await self._gate.require(
            actor, Action.INCIDENT_INTEGRATION_SET, Resource.of_house(NOUN, command.source)
        )
        async with self._storage.write(_VENDOR) as session:
            before = await repository.find_integration(session, command.source)
            if before is not None and command.version == 0:
                raise Conflict(f"there is {command.source} already", code="ALREADY_THERE", field="name")
            if (0 if before is None else before.version) != command.version:
                raise Conflict("somebody changed it meanwhile; read it again", code="STALE")
            kept = None if before is None else before.sealed
            now, receipt_id = session.clock.now(), new_id()
            generation = 1 if before is None else before.generation + (1 if command.renew else 0)
            made = Integration(
                kind=command.kind,
                name=command.name,
                version=command.version + 1,
                rules=command.rules,
                enabled=command.enabled,
                generation=generation,
                sealed=kept if command.secret is None else self._secrets.seal(command.source, command.secret),
                at=now,
                by=actor.name,
                reason=command.reason,
                receipt_id=receipt_id,
            )
            result: dict[str, Json] = {
                "source": made.source,
                "version": str(made.version),
                "enabled": made.enabled,
                "generation": str(made.generation),
                "secret": "kept" if command.secret is None else "replaced",
                "rules": made.rules,
            }
            act = Act(
                kind=ReceiptKind.INCIDENT_INTEGRATION_SET,
                tenant_id=VENDOR_ID,
                actor=actor,
                at=now,
                subjects=(
                    Subject(
                        f"incident-integration/{made.source}/{made.version}", sha256_hex(made.rules.encode())
                    ),
                ),
                predicate=result,
                policies=decision.policies,
                policy_version=decision.version,
                rationale=command.reason,
            )
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await repository.add_version(session, made, actor)
            await repository.settle_unmatched(session, made)
        return made

    async def _may_read(self, actor: Actor) -> None:
        await self._gate.require(actor, Action.INCIDENT_INTEGRATION_READ, Resource.of_house(NOUN))
