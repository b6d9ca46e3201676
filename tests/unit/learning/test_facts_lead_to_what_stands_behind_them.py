"""From a fact in a postmortem to the page of what it was taken from, for whoever may open that."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.web.views.postmortem.words import leads_of

INCIDENT, NORTHWIND = UUID(int=1), UUID(int=2)
DOCUMENT = {
    "timeline": [{"id": "told", "receipt": "r1"}, {"id": "paged", "receipt": None}],
    "denials": [{"id": "d1"}],
    "customers": {
        "northwind": {
            "id": str(NORTHWIND),
            "sla": [{"id": "promise"}],
            "cost": [{"id": "a1"}],
            "denial": [{"id": "d2"}],
            "mitigation": [{"id": "run/1", "receipt": "r2"}],
        }
    },
}
TIMELINE = f"/incidents/{INCIDENT}#timeline-title"


def test_each_leads_to_its_receipt_anomaly_log_or_timeline() -> None:
    assert leads_of(DOCUMENT, INCIDENT, lambda *_: True) == {
        "told": "/t/vendor/receipts/r1",
        "paged": TIMELINE,
        "d1": "/t/vendor/denials",
        "a1": "/t/northwind/cost/anomalies/a1",
        "d2": "/t/northwind/denials",
        "run/1": "/t/northwind/receipts/r2",
    }


def test_nothing_leads_where_one_may_not_go() -> None:
    asked: set[tuple[Action, UUID]] = set()

    def may(action: Action, tenant_id: UUID) -> bool:
        asked.add((action, tenant_id))
        return (action, tenant_id) == (Action.ANOMALY_READ, NORTHWIND)

    assert leads_of(DOCUMENT, INCIDENT, may) == {
        "told": TIMELINE,
        "paged": TIMELINE,
        "a1": "/t/northwind/cost/anomalies/a1",
    }
    assert asked == {
        (Action.RECEIPT_READ, VENDOR_ID), (Action.DENIAL_READ, VENDOR_ID),
        (Action.ANOMALY_READ, NORTHWIND), (Action.DENIAL_READ, NORTHWIND), (Action.RECEIPT_READ, NORTHWIND),
    }  # fmt: skip
