"""Alarms of pagers at the door: proved, mapped, told once; and the pages by which an operator minds them."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta

import pytest
from support.learning_world import BEGAN, Vendor, by, step
from support.pager_deliveries import PAGER, SECRET, at, gaps, paged, set_up, signed
from support.portal_fixtures import Portal
from support.portal_world import NOW, auroras_incident

from trust_portal.access.actors import CONSOLE
from trust_portal.facts.events import AlarmSource
from trust_portal.house import House, build_house
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Incident, IncidentFilter

#: What a customer calls its incidents.
NAMED = """{ viewer { tenant { incidentStatement(since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z") {
  incidents { key } } } } }"""
ALERTS = "/webhooks/in/alertmanager/prod"


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
    name = str(incident.shown_id)[:8]
    async with portal.browser("customer_viewer") as browser:
        theirs = (await browser.get("/t/aurora/incidents?year=2026")).text
        answer = await browser.post("/graphql", json={"query": NAMED})
    assert answer.json()["data"]["viewer"]["tenant"]["incidentStatement"]["incidents"] == [
        {"key": name},
        {"key": await auroras_incident(portal.house)},
    ]
    assert (incident.key in theirs, f"{name}, P1" in theirs) == (False, True)
    async with portal.browser("pmo") as browser:
        ours = (await browser.get(f"/incidents/{incident.id}")).text
    assert f"Customers know it as {name}." in ours


async def test_an_alarm_that_comes_late_is_told_of_what_is_over_only_where_it_was_worse_than_anybody_said(
    portal: Portal,
):
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(await set_up(browser, "alertmanager", "prod"))).text
    [token] = re.findall(r"tpa_[A-Za-z0-9_-]{43}", page)
    async with portal.program(None) as pager:
        for body, alarm in (
            (alerting("firing", -40, severity="warning"), "told"),
            (alerting("resolved", -25), "told"),
            (alerting("firing", -39, severity="warning"), "duplicate"),
            (alerting("firing", -38), "told"),
            (alerting("firing", -38), "duplicate"),
            (alerting("firing", -37), "duplicate"),
        ):
            answer = await pager.post(ALERTS, content=body, headers={"authorization": f"Bearer {token}"})
            assert answer.json() == {"alarm": alarm}
    [incident] = (await known(portal, "alertmanager/prod")).values()
    assert (incident.declared_severity, incident.severity, incident.worst_severity) == ("P3", "P1", "P1")
    assert (incident.reopened, incident.resolved_at, incident.facts) == (0, NOW - timedelta(minutes=20), 3)
    assert (await portal.house.incidents.get(CONSOLE, incident.id)).postmortem_id is not None


async def test_an_alarm_of_an_incident_that_is_over_is_a_gap_until_it_is_told(portal: Portal):
    """Alertmanager names a group alike whenever it fires: what was over in January tells nothing of June."""
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(await set_up(browser, "alertmanager", "prod"))).text
    [token] = re.findall(r"tpa_[A-Za-z0-9_-]{43}", page)
    async with portal.program(None) as pager:

        async def send(body: bytes) -> str:
            answer = await pager.post(ALERTS, content=body, headers={"authorization": f"Bearer {token}"})
            return answer.json()["alarm"]

        assert await send(alerting("firing", -30)) == "told"
        assert await send(alerting("firing", -29, severity="strange")) == "unmatched"
        assert await gaps(portal) == [], "its postmortem is owed anyhow"
        portal.clock.advance(timedelta(minutes=10))
        assert await send(alerting("resolved", 0)) == "told"
        assert await gaps(portal) == [], "it came while the incident went on"
        portal.clock.advance(timedelta(minutes=20))
        assert await send(alerting("firing", 20, severity="strange")) == "unmatched"
        assert await gaps(portal) == [("alertmanager/prod/{}:{api}", "unmatched", None)]
        before = (await known(portal, "alertmanager/prod"))["{}:{api}"]
        assert (before.reopened, before.is_open) == (0, False)
        assert await send(alerting("firing", 21)) == "told"
        assert (await known(portal, "alertmanager/prod"))["{}:{api}"].is_open
        gap = [("alertmanager/prod/{}:{api}", "unmatched", None)]
        assert await gaps(portal) == gap, "what reopens it later may be another trouble"
        portal.clock.advance(timedelta(minutes=5))
        assert await send(alerting("resolved", 28)) == "told"
        assert await gaps(portal) == gap
        [incident] = (await known(portal, "alertmanager/prod")).values()
        assert (incident.reopened, incident.is_open) == (1, False)
        assert await send(alerting("firing", 20, severity="strange")) == "unmatched"
        assert await gaps(portal) == gap, "sent again it is the alarm that it was"
    async with portal.browser("sre_operator") as browser:
        where = {"source": "alertmanager/prod", "key": "{}:{api}"}
        sent = await browser.post(
            "/incidents/gap", data=where | {"incident": str(incident.id), "text": "The same disk"}
        )
        assert sent.status_code == 303, sent.text
    assert await gaps(portal) == []


async def test_what_is_told_and_not_taken_in_yet_counts_as_an_alarm_comes(portal: Portal):
    """Told to be over a moment ago, by events: the register need not have it yet."""
    vendor = Vendor(portal.house, portal.clock)
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    async with portal.program(None) as pager:

        async def send(body: bytes) -> str:
            return (await pager.post(PAGER, content=body, headers=signed(body))).json()["alarm"]

        assert await send(paged("triggered", "e1")) == "told"
        await vendor.tell(
            *by("urn:other", step("Q1", "resolved", minute=(NOW - BEGAN) // timedelta(minutes=1)))
        )
        assert (await known(portal, "pagerduty/main"))["Q1"].is_open
        assert await send(paged("priority_updated", "e2", -9, priority={"summary": "P9"})) == "unmatched"
    assert not (await known(portal, "pagerduty/main"))["Q1"].is_open
    assert await gaps(portal) == [("pagerduty/main/Q1", "unmatched", None)]


async def test_an_alarm_that_is_worse_than_its_incident_ever_was_is_a_gap_until_that_is_as_bad(
    portal: Portal,
):
    rules = (
        "- {when: {priority.summary: P2}, severity: P2, service: disk, title: '{title}'}\n"
        "- {when: {priority.summary: P1}, severity: P1, service: disk, title: '{title}', tenants: gone}\n"
    )
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
        form = {"version": "1", "rules": rules, "do": "save", "reason": "By customer", "enabled": "yes"}
        assert (await browser.post(where, data=form)).status_code == 303
    async with portal.program(None) as pager:

        async def send(body: bytes) -> str:
            return (await pager.post(PAGER, content=body, headers=signed(body))).json()["alarm"]

        assert await send(paged("triggered", "e1", priority={"summary": "P2"})) == "told"
        assert await send(paged("priority_updated", "e2", -9, priority={"summary": "P9"})) == "unmatched"
        assert await gaps(portal) == [("pagerduty/main/Q1", "unmatched", None)], "it may have been a P1"
        assert await send(paged("priority_updated", "e3", -8)) == "unmatched"
    assert await gaps(portal) == [("pagerduty/main/Q1", "unmatched", "P1")]
    assert (await known(portal, "pagerduty/main"))["Q1"].worst_severity == "P2"
    async with portal.browser("sre_operator") as browser:
        form |= {"version": "2", "rules": rules.replace("tenants: gone", "tenants: aurora")}
        assert (await browser.post(where, data=form)).status_code == 303
    async with portal.program(None) as pager:
        assert await send(paged("priority_updated", "e4", -7)) == "told"
    assert (await known(portal, "pagerduty/main"))["Q1"].worst_severity == "P1"
    assert await gaps(portal) == []


async def test_one_delivery_that_reopens_an_incident_and_makes_it_worse_tells_both(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(await set_up(browser, "alertmanager", "prod"))).text
    [token] = re.findall(r"tpa_[A-Za-z0-9_-]{43}", page)
    async with portal.program(None) as pager:
        for body in (
            alerting("firing", -30, severity="warning"),
            alerting("resolved", -28, severity="warning"),
            alerting("firing", -10),
        ):
            answer = await pager.post(ALERTS, content=body, headers={"authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()) == (200, {"alarm": "told"})
    [incident] = (await known(portal, "alertmanager/prod")).values()
    assert (incident.severity, incident.reopened, incident.is_open, incident.facts) == ("P1", 1, True, 4)


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


async def test_no_p1_of_a_proved_pager_is_lost_for_a_character_or_for_a_clock_that_is_ahead(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    async with portal.program(None) as pager:
        for id_, title, minutes in (
            ("a", "Disk\x00full", -5),
            ("b", "Disk\ud83dfull", -4),
            ("c", "Disk\ufffffull", -3),
            ("d", "Disk full", 600),
        ):
            body = paged("triggered", id_, minutes, id=id_, title=title)
            for said in ("told", "duplicate"):
                answer = await pager.post(PAGER, content=body, headers=signed(body))
                assert (answer.status_code, answer.json()) == (200, {"alarm": said})
                portal.clock.advance(timedelta(seconds=1))
    found = await known(portal, "pagerduty/main")
    assert {key: (each.severity, each.title) for key, each in found.items()} == {
        "a": ("P1", "Disk full"),
        "b": ("P1", "Disk full"),
        "c": ("P1", "Disk full"),
        "d": ("P1", "Disk full"),
    }
    assert found["d"].declared_at == portal.clock.now() - timedelta(seconds=2)
    assert await gaps(portal) == []


async def test_a_delivery_that_is_too_large_to_take_in_is_a_gap_by_name(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    body = paged("triggered", "e1", title="x" * 2**20)
    async with portal.program(None) as pager:
        for path in (PAGER, PAGER.replace("main", "unknown")):
            answer = await pager.post(path, content=body, headers=signed(body))
            assert answer.status_code == 413
    assert await known(portal, "pagerduty/main") == {}
    assert await gaps(portal) == [("pagerduty/main/unproved", "refused", None)], (
        "a signature is over the whole"
    )


async def test_what_is_too_large_to_take_in_is_unreadable_of_a_pager_that_proves_itself_by_its_token(
    portal: Portal,
):
    async with portal.browser("sre_operator") as browser:
        page = (await browser.get(await set_up(browser, "alertmanager", "prod"))).text
    [token] = re.findall(r"tpa_[A-Za-z0-9_-]{43}", page)
    async with portal.program(None) as pager:
        for given, why in (("tpa_" + "x" * 43, ["unproved"]), (token, ["unproved", "unreadable"])):
            headers = {"authorization": f"Bearer {given}"}
            assert (await pager.post(ALERTS, content=b"x" * (2**20 + 1), headers=headers)).status_code == 413
            assert await gaps(portal) == [(f"alertmanager/prod/{each}", "refused", None) for each in why]


async def test_what_burns_again_and_worse_is_worse_and_without_a_rule_a_gap(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    async with portal.program(None) as pager:

        async def send(
            type_: str, id_: str, minutes: int, key: str, priority: str, urgency: str = "low"
        ) -> str:
            said = {"id": key, "priority": {"summary": priority}, "urgency": urgency}
            body = paged(type_, id_, minutes, **said)
            return (await pager.post(PAGER, content=body, headers=signed(body))).json()["alarm"]

        for key in ("Q1", "Q2"):
            assert await send("triggered", f"{key}a", -9, key, "P3") == "told"
            assert await send("resolved", f"{key}b", -8, key, "P3") == "told"
        assert await send("reopened", "Q1c", -7, "Q1", "P1") == "told"
        for _ in range(2):
            assert await send("reopened", "Q2c", -7, "Q2", "unknown") in {"unmatched", "duplicate"}
    found = await known(portal, "pagerduty/main")
    assert {key: (each.severity, each.is_open, each.reopened) for key, each in found.items()} == {
        "Q1": ("P1", True, 1),
        "Q2": ("P3", True, 1),
    }
    assert await gaps(portal) == [("pagerduty/main/Q2", "unmatched", None)]


async def test_what_a_proved_pager_tells_and_nobody_can_store_is_a_gap_by_name(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
    body = paged("triggered", "e1", created_at="1990-01-01T00:00:00Z")
    async with portal.program(None) as pager:
        answer = await pager.post(PAGER, content=body, headers=signed(body))
    assert answer.status_code == 422
    assert await known(portal, "pagerduty/main") == {}
    assert await gaps(portal) == [("pagerduty/main/unreadable", "refused", None)]


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


async def test_what_a_pager_could_not_tell_is_a_named_gap_until_somebody_minds_it(portal: Portal):
    first = "- {when: {priority.summary: P*}, severity: '{priority.summary}', service: s, title: t, tenants: nobody}"
    mended = first.replace("nobody", "aurora")
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)

        async def save(version: int, rules: str, enabled: str = "yes") -> None:
            form = {"do": "save", "version": version, "rules": rules, "enabled": enabled, "reason": "Mended"}
            assert (await browser.post(where, data=form)).status_code == 303

        await save(1, first)
        async with portal.program(None) as pager:

            async def send(body: bytes, secret: str = SECRET) -> tuple[int, str | None]:
                answer = await pager.post(PAGER, content=body, headers=signed(body, secret))
                return answer.status_code, answer.json().get("alarm")

            for id_, key, priority in (
                ("a", "Q1", "P1"),
                ("b", "Q2", "P4"),
                ("c", "Q3", "low"),
                ("d", "Q4", "P2"),
            ):
                body = paged("triggered", id_, id=key, priority={"summary": priority})
                assert await send(body) == (202, "unmatched")
                assert await send(body) == (202, "unmatched"), "and it is listed once"
            assert (await send(paged("triggered", "e"), "of another"))[0] == 401
            assert (await send(paged("triggered", "e"), "of a third"))[0] == 401
            assert (await send(b"{}"))[0] == 422
            assert await gaps(portal) == [
                ("pagerduty/main/Q1", "unmatched", "P1"),
                ("pagerduty/main/Q3", "unmatched", None),
                ("pagerduty/main/Q4", "unmatched", "P2"),
                ("pagerduty/main/unproved", "refused", None),
                ("pagerduty/main/unreadable", "refused", None),
            ]
            async with portal.browser("pmo") as pmo:
                page = (await pmo.get("/switchboard/coverage?show=gaps")).text
            assert (
                '<a href="/incidents/integrations/pagerduty/main"><code>pagerduty/main/Q1</code></a>' in page
            )

            ignoring = "- {when: {priority.summary: low}, ignore: Nobody is woken by it}\n" + mended
            await save(2, ignoring)
            assert await gaps(portal) == [
                ("pagerduty/main/Q1", "unmatched", "P1"),
                ("pagerduty/main/Q4", "unmatched", "P2"),
            ], "a rule that is mended declares nothing: the pager must tell again"
            assert await send(paged("triggered", "a", id="Q1", priority={"summary": "P1"})) == (200, "told")
            assert await send(paged("triggered", "g", id="Q5", priority={"summary": "low"})) == (
                200,
                "ignored",
            )
            assert await gaps(portal) == [("pagerduty/main/Q4", "unmatched", "P2")]
            await save(
                3, ignoring.replace("- {when", "- {when: {id: Q4}, ignore: It was INC-9}\n- {when", 1), ""
            )
            assert await gaps(portal) == []
            assert (await send(paged("triggered", "h", id="Q6")))[0] == 401
    assert await gaps(portal) == [("pagerduty/main/off", "refused", None)]
    assert set(await known(portal, "pagerduty/main")) == {"Q1"}


async def test_deliveries_twice_out_of_order_and_after_a_restart_make_the_same_incident(portal: Portal):
    """Resolved before it was triggered, as queues of pagers deliver; then everything again to another process."""
    async with portal.browser("sre_operator") as browser:
        await set_up(browser, "pagerduty", "main", secret=SECRET)
        page = (await browser.get(await set_up(browser, "alertmanager", "prod"))).text
    [token] = re.findall(r"tpa_[A-Za-z0-9_-]{43}", page)
    paging = [
        paged("resolved", "e4", -5),
        paged("priority_updated", "e3", -8, priority={"summary": "P2"}),
        paged("triggered", "e1", -10, priority={"summary": "P3"}),
    ]
    firing = [
        alerting("resolved", -30),
        alerting("firing", -30),
        alerting("firing", -20),
        alerting("firing", -30),
    ]

    async def deliver(house: House) -> list[str]:
        taken = [
            await house.alarms.receive(
                AlarmSource.PAGERDUTY,
                "main",
                body,
                signature=signed(body)["x-pagerduty-signature"],
                token=None,
            )
            for body in paging
        ]
        taken += [
            await house.alarms.receive(AlarmSource.ALERTMANAGER, "prod", body, signature=None, token=token)
            for body in firing
        ]
        return [each.value for each in taken]

    async def seen() -> tuple[Incident, Incident]:
        return (await known(portal, "pagerduty/main"))["Q1"], (await known(portal, "alertmanager/prod"))[
            "{}:{api}"
        ]

    assert await deliver(portal.house) == ["told"] * 6 + ["duplicate"]
    before = paging_incident, alert = await seen()
    assert (paging_incident.declared_severity, paging_incident.severity, paging_incident.facts) == (
        "P3",
        "P2",
        3,
    )
    assert paging_incident.resolved_at == NOW - timedelta(minutes=5)
    assert (alert.severity, alert.reopened, alert.is_open, alert.facts) == ("P1", 1, True, 4), "how bad, too"

    restarted = build_house(portal.house.settings, portal.clock)
    await restarted.open()
    try:
        assert await deliver(restarted) == ["duplicate"] * 7
    finally:
        await restarted.close()
    assert await seen() == before
    assert await gaps(portal) == []


async def test_who_only_reads_changes_no_rules(portal: Portal):
    async with portal.browser("sre_operator") as browser:
        where = await set_up(browser, "pagerduty", "main", secret=SECRET)
    async with portal.browser("vendor_admin") as browser:
        form = {"do": "save", "version": "1", "rules": "[]", "reason": "Why"}
        rules = "- {severity: P4, service: a, title: b}"
        assert (await browser.post(where, data=form | {"rules": rules})).status_code == 403
        assert "version 1" in (await browser.get(where)).text
