"""When a contract version was recorded, told against the period it governs. Pure.

``effective_from`` is what the vendor writes; ``recorded_at`` is when the portal received it. Terms that
came after a period's end could have been written to fit its figures, so no figure is signed on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.contracts.in_force import last_end
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.findings import Finding, Severity

IN_TIME = "CONTRACT_RECORDED"
FIRST_VERSION = "CONTRACT_RECORDED_AFTER_PERIOD"
LATE = "CONTRACT_RECORDED_LATE"


def recording(versions: Sequence[ContractVersion], governing: ContractVersion, label: str) -> Finding:
    """What the portal attests of the governing version; ``where`` is the instant of its recording.

    After the period's end only the tenant's first version ever is a basis, with a note: a customer
    whose past is brought in has no earlier terms that it could replace. ``versions`` are the tenant's,
    in order of their recording.
    """
    at, ends = rfc3339(governing.recorded_at), last_end(governing.contract, label)
    said = f"version {governing.version} of the contract was recorded on {at}"
    if governing.recorded_at <= ends:
        return Finding(IN_TIME, said, at)
    said += f", after the period, which ended {rfc3339(ends)}"
    if governing.id == versions[0].id:
        return Finding(FIRST_VERSION, f"{said}; it is the first that was recorded for this customer", at)
    return Finding(
        LATE,
        f"{said}, and other terms were on record before: it signs no figure of a period that was already over",
        at,
        Severity.INCOMPLETE,
    )


def recorded_at(attested: Sequence[Finding]) -> str | None:
    """When the governing version was recorded, by the findings a report attests; RFC 3339."""
    return next((each.where for each in attested if each.code in {IN_TIME, FIRST_VERSION, LATE}), None)


def recorded_after_period(attested: Sequence[Finding]) -> list[str]:
    """The sentence of a method that says so, where the contract came after the period."""
    return [
        f"{each.message[:1].upper()}{each.message[1:]}."
        for each in attested
        if each.code in {FIRST_VERSION, LATE}
    ]
