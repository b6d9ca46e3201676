"""An objective: the key measurements and contracts name, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.kernel.canonical import Json, digest


class ObjectiveKind(StrEnum):
    """``availability``: good of total. ``latency``: good is what a bucket bound says."""

    AVAILABILITY = "availability"
    LATENCY = "latency"


class ObjectiveSource(StrEnum):
    """Who defined it. A contract that names an objective nobody defined defines it by naming it."""

    CONTRACT = "contract"
    OPENSLO = "openslo"


@dataclass(frozen=True, slots=True)
class Definition:
    """What was said about an objective.

    ``threshold`` is an inclusive bucket bound in seconds, as a decimal string; only latency has one.
    ``target`` is the internal target in percent, as a decimal string; a contract's own may differ.
    """

    key: str
    kind: ObjectiveKind
    title: str
    description: str = ""
    service: str = ""
    threshold: str | None = None
    target: str | None = None

    def as_json(self) -> dict[str, Json]:
        return {
            "key": self.key,
            "kind": self.kind.value,
            "title": self.title,
            "description": self.description,
            "service": self.service,
            "threshold": self.threshold,
            "target": self.target,
        }

    @property
    def digest(self) -> str:
        return digest(self.as_json())


@dataclass(frozen=True, slots=True)
class Objective:
    """A definition in force for a tenant (or, at the vendor, for all). Revisions are never edited."""

    tenant_id: UUID
    definition: Definition
    revision: int
    source: ObjectiveSource
    recorded_at: datetime

    @property
    def key(self) -> str:
        return self.definition.key
