"""What signed periods would come to if a window did not count: what approvers decide on. Pure."""

from __future__ import annotations

from dataclasses import replace

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.attainment.model import Attainment, Exclusion
from trust_portal.reliability.reports.assessment import Assessment, assess
from trust_portal.reliability.reports.inputs import ReportInputs

#: Stands for the two who have not approved yet.
_AS_IF_APPROVED = ("one", "another")


def expected(inputs: ReportInputs, label: str, exclusion: Exclusion) -> dict[str, Json]:
    """Both sides of a signed period: without ``exclusion``, and as if it were approved.

    Figures that cannot be relied on are null. The amounts are what the contract says is due, in major
    units; what was issued already is not looked at.
    """
    signed = inputs.signed
    if signed is None:
        raise ValueError(f"nothing is signed for {label}")
    before = _assessed(inputs, label, ())
    after = _assessed(inputs, label, (replace(exclusion, approvals=_AS_IF_APPROVED),))
    return {
        "period": label,
        "revision": str(signed.revision),
        "report": {"id": str(signed.id), "sha256": signed.sha256},
        "objectives": [
            {
                "objective": one.sla.objective,
                "minutes": str(_taken(two.attainment, exclusion.window)),
                "before": _percent(one.attainment),
                "after": _percent(two.attainment),
            }
            for one, two in zip(before.slas, after.slas, strict=True)
        ],
        "credit": {
            "before": None if before.credit is None else before.credit.amount.decimal,
            "after": None if after.credit is None else after.credit.amount.decimal,
            "currency": before.contract.currency,
        },
    }


def _assessed(inputs: ReportInputs, label: str, more: tuple[Exclusion, ...]) -> Assessment:
    windows = [*(each.exclusion for each in inputs.windows), *more]
    return assess(inputs.version.contract, inputs.measurements, windows, label, further=inputs.attested)


def _taken(attainment: Attainment, window: str) -> int:
    return sum(each.minutes for each in attainment.exclusions if each.exclusion.window == window)


def _percent(attainment: Attainment) -> str | None:
    return None if attainment.adjusted is None else truncated_percent(attainment.adjusted.attained.value)
