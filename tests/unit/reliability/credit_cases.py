"""Signed reports of made-up months, and what they entitle to; the reports are the real engine's."""

import json
from datetime import UTC, datetime

from sla_months import contract_text, month

from trust_portal.kernel.money import Money
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.credits.entitlement import Earlier, Source, entitlement
from trust_portal.reliability.reports.document import build_report
from trust_portal.reliability.reports.model import ReportContext

SOURCE = Source("report-id", "0" * 64, "report-receipt", "contract-receipt")
CONTEXT = ReportContext("Acme GmbH", "Vendor Ltd", as_of=datetime(2026, 8, 1, tzinfo=UTC))


def signed(down=0, *, slas=({},), measured=None, label="2026-06", **fields):
    """A contract and its report; ``down`` minutes of each objective, one number or one per SLA."""
    contract = parse_contract(contract_text(*slas, **fields))
    downs = down if isinstance(down, tuple) else (down,) * len(contract.slas)
    measurements = measured or {
        sla.objective: month(label, sla.time_zone, down=minutes)
        for sla, minutes in zip(contract.slas, downs, strict=True)
    }
    return contract, build_report(contract, measurements, (), label, CONTEXT)


def entitled(*args, earlier=(), **fields):
    contract, report = signed(*args, **fields)
    return entitlement(report.body, contract, [issued(each) for each in earlier], SOURCE)


def issued(amount, currency="USD", revision=1):
    return Earlier("credit-id", revision, Money.parse(amount, currency), "CN-1", "issue-receipt")


def restated(report, **changes):
    """A body with other words in it, as a forger would leave them."""
    return json.loads(json.dumps({**report.body, **changes}))
