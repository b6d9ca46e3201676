"""An export: a document on its way to becoming a bundle, and what a renderer owes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from trust_portal.evidence.act import Input
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.storage.unit_of_work import ReadSession

BUNDLE_MEDIA_TYPE = "application/zip"


class ExportState(StrEnum):
    """requested → rendering → rendered → ready; failed from any but the last."""

    REQUESTED = "requested"
    RENDERING = "rendering"
    RENDERED = "rendered"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """One document of one subject at one revision. ``percent`` and ``step`` are for people.

    ``file_name`` is known once rendered; ``size`` (bytes), ``digest`` (hex SHA-256) and
    ``tree_size`` (of the checkpoint every proof in the bundle leads to) once ready. ``meanwhile_size``:
    the tree of what was finished last before it, where that was after it had settled its ``previous_size``.
    """

    id: UUID
    tenant_id: UUID
    kind: str
    subject_id: UUID
    revision: int
    state: ExportState
    step: str
    percent: int
    failure: str | None
    requested_by: Actor
    requested_at: datetime
    manifest_receipt_id: UUID
    previous_size: int | None = None
    meanwhile_size: int | None = None
    receipt_ids: tuple[UUID, ...] = ()
    file_name: str | None = None
    tree_size: int | None = None
    size: int | None = None
    digest: str | None = None
    finished_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in {ExportState.READY, ExportState.FAILED}


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """What a room above knows about its document.

    ``files`` are the document's own (``report.json``, ``report.pdf``, ``inputs/…``); receipts,
    proofs, policy, keys and instructions are added here. ``tenant`` is the key the customer knows
    itself by, ``period`` is empty for documents that have none. ``file_name`` ends in ``.zip``.
    """

    files: Mapping[str, bytes]
    tenant: str
    period: str
    file_name: str
    receipts: tuple[UUID, ...] = ()
    inputs: tuple[Input, ...] = ()
    summary: Mapping[str, Json] = field(default_factory=dict)


class Renderer(Protocol):
    """Renders exports of one kind; registered by the room that owns the kind.

    ``session`` sees one moment and is the only source: the same moment gives the same bytes.
    A ``Refused`` ends the export with its message; anything else is tried again.
    """

    async def render(self, session: ReadSession, export: Export) -> RenderedDocument: ...


@dataclass(frozen=True, slots=True)
class Artefact:
    """A finished bundle."""

    file_name: str
    media_type: str
    content: bytes
    digest: str
