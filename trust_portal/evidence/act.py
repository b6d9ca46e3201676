"""A consequential act, before it becomes a receipt.

The predicate has the same frame for every kind, so that a reader who knows one receipt knows all:
who did it for which tenant and when, what policy allowed it, what it rests on, and its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal import __version__
from trust_portal.evidence.disclosure import Disclosure, conceal
from trust_portal.evidence.statement import ReceiptKind, Statement, Subject, statement_of
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339

ENGINE: Mapping[str, Json] = {"name": "trust-portal", "version": __version__}


@dataclass(frozen=True, slots=True)
class Input:
    """Something the act rests on: a receipt or data, by name and hex SHA-256.

    A receipt's digest is that of its envelope's bytes.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Act:
    """``predicate`` is the kind's own part and appears as ``result``; numbers in it are strings.

    ``policies`` are the ids that permitted the act, empty where none was asked; ``rationale`` is
    what a person gave as the reason. Properties of ``predicate`` named in ``sensitive`` are signed
    as salted digests and stored beside the receipt (RFC 9901).
    """

    kind: ReceiptKind
    tenant_id: UUID
    actor: Actor
    at: datetime
    subjects: tuple[Subject, ...]
    predicate: Mapping[str, Json]
    inputs: tuple[Input, ...] = ()
    policies: tuple[str, ...] = ()
    policy_version: str | None = None
    rationale: str | None = None
    sensitive: frozenset[str] = frozenset()

    def statement(self, receipt_id: UUID) -> tuple[Statement, tuple[Disclosure, ...]]:
        """The statement that is signed, and the disclosures of what it conceals.

        The receipt's id makes every leaf of a log unique. Whatever somebody does to a tenant with the
        glass broken says so, whichever rule permitted it.
        """
        result, disclosures = conceal(self.predicate, self.sensitive)
        predicate: dict[str, Json] = {
            "receipt": str(receipt_id),
            "tenant": str(self.tenant_id),
            "actor": _actor(self.actor),
            "at": rfc3339(self.at),
            "policies": {"ids": list(self.policies), "version": self.policy_version},
            "inputs": [{"name": each.name, "digest": {"sha256": each.sha256}} for each in self.inputs],
            "engine": ENGINE,
            "result": result,
        }
        emergency = self.actor.emergency(self.tenant_id)
        if emergency is not None:
            predicate["break_glass"] = str(emergency)
        if self.rationale is not None:
            predicate["rationale"] = self.rationale
        return statement_of(self.kind, self.subjects, predicate), disclosures


def _actor(actor: Actor) -> Mapping[str, Json]:
    found: dict[str, Json] = {"kind": actor.kind.value, "id": str(actor.id), "name": actor.name}
    if actor.person_id is not None:
        found["person"] = str(actor.person_id)
    return found
