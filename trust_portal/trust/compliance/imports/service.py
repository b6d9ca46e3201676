"""Taking in an assessment from elsewhere: all of it is right, or nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.compliance.imports.repository import (
    add_import,
    add_readers_change,
    add_withdrawal,
    find_import,
    import_bytes,
    lock_assessments,
    newest_imports,
)
from trust_portal.trust.compliance.model import (
    NOUN,
    AssessmentReaders,
    Imported,
    ReadersChange,
    Withdrawal,
)
from trust_portal.trust.compliance.oscal.reading import read_assessment

_LONGEST: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class ImportAssessment:
    """Command: OSCAL assessment-results by ``source``, which may be ``max_age`` old and still be fresh.

    ``readers`` may fetch the bytes. How it came out, and its digest, stand in everybody's evaluation all the same.
    """

    source: str
    document: bytes
    max_age: timedelta
    reason: str
    readers: AssessmentReaders = AssessmentReaders.VENDOR

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", self.source.strip())
        if not 1 <= len(self.source) <= 80 or not is_readable(self.source):
            raise InvalidInput("a source has 1 to 80 printable characters", field="source")
        if not timedelta(days=1) <= self.max_age <= _LONGEST:
            raise InvalidInput(f"an age between 1 and {_LONGEST.days} days", field="max_age")
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class WithdrawAssessment:
    """Command: the latest assessment of its source counts no more, for ``reason``."""

    import_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class ChangeReaders:
    """Command: from now on ``readers`` may fetch the bytes, for ``reason``, and nobody else."""

    import_id: UUID
    readers: AssessmentReaders
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


class AssessmentImports:
    """The vendor's; customers see them in their next evaluation, with source and age. What is taken in, withdrawn or
    for others to read makes everybody's due.
    """

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def take(self, command: ImportAssessment, actor: Actor) -> Imported:
        """``InvalidInput`` naming the place in the document; ``Conflict`` for bytes that are there already."""
        decision = await self._gate.require(actor, Action.COMPLIANCE_IMPORT, Resource.of_house(NOUN))
        found = read_assessment(command.document, self._storage.clock.now())
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            await lock_assessments(session)
            imported = Imported(
                id=new_id(),
                source=command.source,
                title=found.title,
                oscal_version=found.oscal_version,
                sha256=sha256_hex(command.document),
                as_of=found.as_of,
                max_age=command.max_age,
                satisfied=found.satisfied,
                not_satisfied=found.not_satisfied,
                at=session.clock.now(),
                receipt_id=new_id(),
                readers=command.readers,
            )
            await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.COMPLIANCE_IMPORTED,
                    tenant_id=VENDOR_ID,
                    actor=actor,
                    at=imported.at,
                    subjects=(Subject(f"assessment/{imported.id}", imported.sha256),),
                    predicate={
                        "source": imported.source,
                        "title": imported.title,
                        "oscal_uuid": str(found.uuid),
                        "oscal_version": imported.oscal_version,
                        "as_of": rfc3339(imported.as_of),
                        "max_age_s": str(imported.max_age // timedelta(seconds=1)),
                        "readers": imported.readers.value,
                        "satisfied": str(imported.satisfied),
                        "not_satisfied": str(imported.not_satisfied),
                    },
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
                receipt_id=imported.receipt_id,
            )
            await add_import(session, imported, command.document, found.uuid, actor, command.reason)
        return imported

    async def newest(self, actor: Actor) -> tuple[Imported, ...]:
        """The latest of each source, by source."""
        await self._gate.require(actor, Action.ALL_COMPLIANCE_READ, Resource.of_house(NOUN))
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            return await newest_imports(session)

    async def withdraw(self, command: WithdrawAssessment, actor: Actor) -> Imported:
        """From now on no assessment of its source counts, until the source hands over another. Bytes and receipt stay.

        ``NotFound``; ``Conflict``: SUPERSEDED where the source handed over another since, ALREADY_WITHDRAWN.
        """
        decision = await self._gate.require(actor, Action.COMPLIANCE_IMPORT, Resource.of_house(NOUN))
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            await lock_assessments(session)
            imported = await find_import(session, command.import_id)
            if imported.withdrawn is not None:
                raise Conflict("this assessment was withdrawn before", code="ALREADY_WITHDRAWN")
            if imported.id not in {each.id for each in await newest_imports(session)}:
                raise Conflict("its source has handed over another since", code="SUPERSEDED")
            withdrawal = Withdrawal(session.clock.now(), new_id())
            await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.COMPLIANCE_WITHDRAWN,
                    tenant_id=VENDOR_ID,
                    actor=actor,
                    at=withdrawal.at,
                    subjects=(Subject(f"assessment/{imported.id}", imported.sha256),),
                    predicate={
                        "source": imported.source,
                        "title": imported.title,
                        "imported_by": str(imported.receipt_id),
                    },
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
                receipt_id=withdrawal.receipt_id,
            )
            await add_withdrawal(session, imported.id, withdrawal, actor, command.reason)
        return replace(imported, withdrawn=withdrawal)

    async def change_readers(self, command: ChangeReaders, actor: Actor) -> Imported:
        """Of any assessment, also one that was withdrawn or superseded: its bytes are there to be fetched still.

        ``NotFound``; ``Conflict``: READERS_UNCHANGED where they may already and nobody else, READERS_CHANGED where
        somebody was quicker.
        """
        decision = await self._gate.require(actor, Action.COMPLIANCE_IMPORT, Resource.of_house(NOUN))
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            await lock_assessments(session)
            imported = await find_import(session, command.import_id)
            if imported.readers is command.readers:
                raise Conflict(
                    f"it is read by these already: {command.readers.words}", code="READERS_UNCHANGED"
                )
            before = imported.readers_change
            number = 1 if before is None else before.number + 1
            change = ReadersChange(number, command.readers, session.clock.now(), new_id())
            await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.COMPLIANCE_READERS_CHANGED,
                    tenant_id=VENDOR_ID,
                    actor=actor,
                    at=change.at,
                    subjects=(Subject(f"assessment/{imported.id}", imported.sha256),),
                    predicate={
                        "source": imported.source,
                        "title": imported.title,
                        "readers": change.readers.value,
                        "before": imported.readers.value,
                        "imported_by": str(imported.receipt_id),
                    },
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
                receipt_id=change.receipt_id,
            )
            await add_readers_change(session, imported.id, change, actor, command.reason)
        return replace(imported, readers=change.readers, readers_change=change)

    async def download(self, actor: Actor, tenant_id: UUID, import_id: UUID) -> tuple[Imported, bytes]:
        """The bytes that were handed over, whose digest evaluations print; withdrawn and superseded ones too.

        ``tenant_id`` is whose evaluations the actor reads, and whose access log has the line. At a customer's there
        are only those that customers may read now: ``NotFound`` of any other, as of one that never was.
        """
        if tenant_id == VENDOR_ID:
            await self._gate.require(actor, Action.ALL_COMPLIANCE_READ, Resource.of_house(NOUN))
        else:
            await self._gate.require(actor, Action.COMPLIANCE_READ, Resource(NOUN, tenant_id))
        # Everybody's evaluation names them, and they are the vendor's rows.
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            imported = await find_import(session, import_id)
            if tenant_id != VENDOR_ID and imported.readers is not AssessmentReaders.CUSTOMERS:
                raise NotFound("assessment")
            document = await import_bytes(session, import_id)
        fetched = Access(Verb.DOWNLOADED, "assessment", str(import_id), "evidence")
        await self._access_log.trace(actor, [tenant_id], fetched)
        return imported, document
