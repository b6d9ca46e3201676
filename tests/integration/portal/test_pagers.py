"""Alarms of pagers at the door: proved, mapped, told once; and the pages by which an operator minds them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Incident, IncidentFilter

SECRET = "made by PagerDuty"
PAGER = "/webhooks/in/pagerduty/main"
ALERTS = "/webhooks/in/alertmanager/prod"


def at(minutes: int) -> str:
    return rfc3339(NOW + timedelta(minutes=minutes))


def paged(type_: str, id_: str, minutes: int = -10, **data: Any) -> bytes:
    said = {
        "id": "Q1",
        "created_at": at(-20),
        "title": "Disk full",
        "priority": {"summary": "P1"},
        "service": {"summary": "storage"},
    }
    event = {"id": id_, "event_type": f"incident.{type_}", "occurred_at": at(minutes), "data": said | data}
    return json.dumps({"event": event}).encode()


def alerting(status: str, start: int, *, severity: str = "critical") -> bytes:
    alert = {"status": status, "startsAt": at(start), "endsAt": at(start + 5), "fingerprint": "f"}
    labels = {"severity": severity, "service": "api"}
    value = {
        "version": "4",
        "groupKey": "{}:{api}",
        "status": status,
        "receiver": "portal",
        "commonLabels": labels,
        "commonAnnotations": {"summary": "Slow"},
        "alerts": [alert],
    }
    return json.dumps(value).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-pagerduty-signature": "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def set_up(browser: httpx.AsyncClient, kind: str, name: str, **more: str) -> str:
    """The page of a new pager."""
    form = {"kind": kind, "name": name, "reason": "It wakes us", "secret": ""} | more
    sent = await browser.post("/incidents/integrations", data=form)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


async def known(portal: Portal, source: str) -> dict[str, Incident]:
    page = await portal.house.incidents.page(CONSOLE, IncidentFilter(), PageRequest(100))
    return {each.key: each for each in page.items if each.source == source}


async def test_pagerduty_tells_a_whole_incident_and_its_p1_has_a_postmortem(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    async with portal.program(None) as pager:

        async def send(body: bytes) -> tuple[int, str]:
            answer = await pager.post(PAGER, content=body, headers=signed(body))
            return answer.status_code, answer.json()["alarm"]

        assert await send(paged("triggered", "e1")) == (200, "told")
        assert await send(paged("triggered", "e1")) == (200, "duplicate")
        assert await send(paged("acknowledged", "e2", -9)) == (200, "told")
        assert await send(paged("priority_updated", "e3", -8, priority={"summary": "P3"})) == (200, "told")
        assert await send(paged("resolved", "e4", -5)) == (200, "told")
    incident = (await known(portal, "pagerduty/main"))["Q1"]
    view = await portal.house.incidents.get(CONSOLE, incident.id)
    assert (incident.severity, incident.claimed_severity, incident.title) == ("P1", "P3", "Disk full")
    assert (incident.began_at, incident.resolved_at) == (
        NOW - timedelta(minutes=20),
        NOW - timedelta(minutes=5),
    )
    assert [entry.kind for entry in view.entries] == ["declared", "note", "severity", "resolved"]
    assert view.postmortem_id is not None


async def test_alertmanager_declares_repeats_resolves_and_reopens_one_incident(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(await set_up(browser, "alertmanager", "prod"))).text
    [token] = re.findall(r"tpa_[A-Za-z0-9_-]{43}", page)
    basic = base64.b64encode(f"alertmanager:{token}".encode()).decode()
    async with portal.program(None) as pager:

        async def send(body: bytes, header: str = f"Bearer {token}") -> tuple[int, str]:
            answer = await pager.post(ALERTS, content=body, headers={"authorization": header})
            return answer.status_code, answer.json()["alarm"]

        assert await send(alerting("firing", -30, severity="warning")) == (200, "told")
        assert await send(alerting("firing", -30, severity="warning"), f"Basic {basic}") == (200, "duplicate")
        assert await send(alerting("firing", -29)) == (200, "told")
        assert await send(alerting("resolved", -28)) == (200, "told")
        assert await send(alerting("firing", -29)) == (200, "duplicate")
        assert await send(alerting("firing", -10)) == (200, "told")
        assert await send(alerting("firing", -5, severity="strange")) == (202, "unmatched")
    [incident] = (await known(portal, "alertmanager/prod")).values()
    assert (incident.declared_severity, incident.severity, incident.reopened) == ("P3", "P1", 1)
    assert incident.is_open
    async with portal.browser("pmo") as browser:
        page = (await browser.get("/incidents/integrations/alertmanager/prod")).text
    assert "no rule fits it" in page
    assert token not in page


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PAGER, {}),
        (PAGER, signed(paged("triggered", "e1"), "another")),
        (PAGER, {"x-pagerduty-signature": "v1=00"}),
        (PAGER, {"authorization": f"Bearer {SECRET}"}),
        (PAGER.replace("main", "unknown"), signed(paged("triggered", "e1"))),
        (ALERTS, {}),
        (ALERTS, {"authorization": "Bearer tpa_wrong"}),
        (ALERTS, {"authorization": "Basic ???"}),
    ],
)
async def test_a_pager_that_does_not_prove_itself_tells_nothing(
    portal: Portal, path: str, headers: dict[str, str]
):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
        await set_up(browser, "alertmanager", "prod")
    async with portal.program(None) as pager:
        answer = await pager.post(path, content=paged("triggered", "e1"), headers=headers)
    assert answer.status_code == 401
    assert await known(portal, "pagerduty/main") == {}


async def test_rules_are_tried_changed_with_a_reason_and_turned_off(portal: Portal):
    rules = "- {severity: P2, service: disk, title: '{title}', tenants: aurora}\n"
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        form = {"version": "1", "rules": rules, "body": paged("triggered", "e1").decode()}
        tried = (await browser.post(where, data=form | {"do": "try"})).text
        for said in ("Nothing was told", "P2", "disk", "Disk full", "aurora", "priority.summary"):
            assert said in tried, said
        save = form | {"do": "save", "reason": "Only disks", "enabled": "yes"}
        wrong = await browser.post(where, data=save | {"rules": "- severity: P1"})
        assert (wrong.status_code, "rule 1 lacks service" in wrong.text) == (422, True)
        assert (await browser.post(where, data=save)).status_code == 303
        stale = await browser.post(where, data=save)
        assert (stale.status_code, "somebody changed it meanwhile" in stale.text) == (409, True)
        page = (await browser.get(where)).text
        assert "version 2" in page
        assert SECRET not in page
    body = paged("triggered", "e1")
    async with portal.program(None) as pager:
        assert (await pager.post(PAGER, content=body, headers=signed(body))).json() == {"alarm": "told"}
    incident = (await known(portal, "pagerduty/main"))["Q1"]
    assert (incident.severity, incident.tenants) == ("P2", (portal.world.aurora.id,))
    async with portal.browser("sre_operator") as browser:
        off = save | {"version": "2", "enabled": "", "reason": "Too loud"}
        assert (await browser.post(where, data=off)).status_code == 303
    async with portal.program(None) as pager:
        assert (await pager.post(PAGER, content=body, headers=signed(body))).status_code == 401


async def test_who_only_reads_changes_no_rules(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
    async with portal.browser("vendor_admin") as browser:
        form = {"do": "save", "version": "1", "rules": "[]", "reason": "Why"}
        rules = "- {severity: P4, service: a, title: b}"
        assert (await browser.post(where, data=form | {"rules": rules})).status_code == 403
        assert "version 1" in (await browser.get(where)).text
