"""The kill switch: everywhere, for one tenant, or for one playbook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import require_words


class Reach(StrEnum):
    """What a switch stops."""

    EVERYWHERE = "everywhere"
    TENANT = "tenant"
    PLAYBOOK = "playbook"


@dataclass(frozen=True, slots=True)
class SetKillSwitch:
    """Command: stop, or let go on. At the vendor it holds everywhere, or for one ``playbook``."""

    tenant_id: UUID
    stopped: bool
    reason: str
    playbook: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        if self.playbook and self.tenant_id != VENDOR_ID:
            raise InvalidInput("stop a playbook everywhere, or everything of a tenant", field="playbook")


@dataclass(frozen=True, slots=True)
class SwitchRevision:
    """One setting of a switch; the latest of its place counts."""

    tenant_id: UUID
    playbook: str
    revision: int
    stopped: bool
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: UUID

    @property
    def reach(self) -> Reach:
        if self.tenant_id != VENDOR_ID:
            return Reach.TENANT
        return Reach.PLAYBOOK if self.playbook else Reach.EVERYWHERE


def in_force(revisions: Iterable[SwitchRevision]) -> tuple[SwitchRevision, ...]:
    """The latest revision of each place, of those that stop something; the widest first."""
    latest: dict[tuple[UUID, str], SwitchRevision] = {}
    for each in revisions:
        place = (each.tenant_id, each.playbook)
        if place not in latest or latest[place].revision < each.revision:
            latest[place] = each
    order = tuple(Reach)
    return tuple(
        sorted(
            (each for each in latest.values() if each.stopped),
            key=lambda each: (order.index(each.reach), each.playbook, each.set_at),
        )
    )


def stopping(
    revisions: Iterable[SwitchRevision], tenant_id: UUID, playbook: str
) -> tuple[SwitchRevision, ...]:
    """The switches that stand against an act of ``playbook`` on ``tenant_id``."""
    return tuple(
        each
        for each in in_force(revisions)
        if each.tenant_id in {tenant_id, VENDOR_ID} and each.playbook in {"", playbook}
    )
