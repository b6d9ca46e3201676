"""How the vendor's people tell of an incident: declared, updated, mitigated, resolved; minutes count from its beginning.

One of them is told here: the runaway export, which a control call of the portal ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from trust_portal.demo.product import exports
from trust_portal.demo.product.controls import Controls, Knob, Setting
from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.scene import BRIGHTWATER, Customer
from trust_portal.demo.script import Script

#: Hours after the curtain: the ramp's first step, and somebody who looks at what the portal found.
_BEGAN, _SEEN_MINUTES = 0.1, 192
#: Minutes after the call was obeyed.
_CALM, _OVER = 18, 240


def runaway_key(script: Script) -> str:
    """The vendor's own number of the incident."""
    return f"INC-{script.curtain:%Y-%m-%d}-4"


def runaway(script: Script, controls: Controls) -> list[Line]:
    """Exports are cut off and begin anew. What mitigates it is the limit that the portal asks for."""
    return sorted(_runaway(script, controls))


def _runaway(script: Script, controls: Controls) -> Iterator[Line]:
    customer, key, began = BRIGHTWATER, runaway_key(script), script.at(_BEGAN)
    title = "Exports of large archives begin anew and never end"
    yield declared(key, "P1", title, "exports", customer, began, _SEEN_MINUTES)
    told = "Account contact told: exports of large archives do not arrive, orders are not touched."
    yield update(key, began, _SEEN_MINUTES + 9, "told_customer", told)
    seen = f"The load balancer cuts them off after {exports.CUT_OFF_MINUTES} minutes; {exports.FLAG} sends them whole again."
    yield update(key, began, _SEEN_MINUTES + 14, "note", seen, key=True)
    limit = _limit(controls)
    if limit is None:
        return
    minutes = int((limit.at - began) / timedelta(minutes=1)) + 1
    said = (
        f"The control call to limit them is obeyed: exports send {limit.value} {limit.unit} an hour at most."
    )
    yield update(key, began, minutes, "mitigation", said, key=True)
    yield step(
        key, began, minutes + _CALM, "mitigated", "Under the limit archives go out in parts, and arrive."
    )
    yield step(key, began, minutes + _OVER, "resolved", "No export was cut off for three hours.")


def _limit(controls: Controls) -> Setting | None:
    """The first limit that was ever set for the customer's exports."""
    return next(
        (each for each in controls.settings if (each.tenant, each.knob) == (BRIGHTWATER.key, Knob.LIMIT)),
        None,
    )


def declared(
    key: str,
    severity: str,
    title: str,
    service: str,
    customer: Customer,
    began: datetime,
    detected: int,
    *objectives: str,
) -> Line:
    at = began + timedelta(minutes=detected)
    data = {
        "incident": key,
        "severity": severity,
        "title": title,
        "service": service,
        "tenants": [customer.key],
        **({"objectives": list(objectives)} if objectives else {}),
        "began_at": rfc3339(began),
        "detected_at": rfc3339(at),
        "owner": "incident-owner@demo.invalid",
    }
    return line("incidents", f"{key}/declared", "incident.declared", at + timedelta(minutes=1), data)


def update(incident: str, began: datetime, minutes: int, kind: str, text: str, **more: Any) -> Line:
    at = began + timedelta(minutes=minutes)
    data = {"incident": incident, "kind": kind, "text": text, **more}
    return line("incidents", f"{incident}/{minutes}", "incident.updated", at, data)


def step(key: str, began: datetime, minutes: int, word: str, text: str) -> Line:
    at = began + timedelta(minutes=minutes)
    data = {"incident": key, "at": rfc3339(at), "text": text}
    return line("incidents", f"{key}/{word}", f"incident.{word}", at, data)
