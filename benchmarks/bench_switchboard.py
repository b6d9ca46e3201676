"""The Switchboard over ten thousand incidents and thirty thousand prevention actions, as its page is served.

What is timed is the whole request in the process that serves it: session, policies, reading one snapshot,
debt, trend, coverage, the page. All incidents are P1 or P2, three years of them, each with three actions and
one beside them that has no postmortem; of those of the last weeks some are open, late and moved, and one in
sixteen was never done. Each rung that came is on record: nobody named a manager to half of the owners, whose
actions are escalated to the PMO twice, and of all escalations the PMO has taken note of every second. The rows are written past the product's doors (one
hundred thousand acts with receipts would take an hour), by the cluster's superuser, with its foreign keys off, and then vacuumed, which a living database does by itself.
"""

from __future__ import annotations

import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.installation import installation
from benchmarks.past_the_doors import past_the_doors
from benchmarks.row import Row, at_most, context
from benchmarks.taking import Taken, take
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.sessions.model import Client, Method
from trust_portal.app import create_app
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.standings import COLUMNS, DERIVED
from trust_portal.runtime.embedded import Servers
from trust_portal.runtime.loading import settled
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope
from trust_portal.web.authentication import cookie_name

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
INCIDENTS = 10_000
ACTIONS = 30_000
PROMISED_MS = 300.0
_REQUESTS = 30
_WARMING_UP = 3
_ORIGIN = "http://localhost"
_PROCESSOR = "… processor time of one, here and in the database"
#: ``n`` counts incidents from the newest to one of three years ago.
_FILL = f"""
INSERT INTO people (tenant_id, id, email, name, active, created_at)
SELECT '{VENDOR_ID}', md5('p' || n)::uuid, 'p' || n || '@vendor.example', 'Person ' || n, true, $1
FROM generate_series(0, 49) n;
INSERT INTO incidents (tenant_id, id, source, key, title, service, team, owner, owner_person_id, severity,
  declared_severity, worst_severity, told_severity, severity_at, major_because, began_at, detected_at, declared_at,
  resolved_at, reopened, merge_keys, everybody, facts, last_fact_at, changed_at,
  changes, followed_at, shown_id)
SELECT '{VENDOR_ID}', md5('i' || n)::uuid, 'urn:bench', 'INC-' || n, 'Incident ' || n, 'service-' || n % 40,
  'team-' || n % 12, 'Person ' || n % 50, md5('p' || n % 50)::uuid, s, s, s, s, at, 'declared', at, at, at,
  at + interval '3 hours', 0, '{{}}', true, 3, at, at, ARRAY[at], at, md5('shown' || n)::uuid
FROM (SELECT n, CASE WHEN n % 3 = 0 THEN 'P1' ELSE 'P2' END AS s, $1 - n * interval '158 minutes' AS at
      FROM generate_series(0, {INCIDENTS}) n) made;
INSERT INTO postmortems (tenant_id, id, incident_id, opened_at, opened_because, owner_person_id, receipt_id)
SELECT tenant_id, md5('m' || key)::uuid, id, declared_at, 'declared', owner_person_id, md5('rm' || key)::uuid
FROM incidents WHERE source = 'urn:bench' AND key <> 'INC-77';
INSERT INTO postmortem_versions (tenant_id, postmortem_id, version, ordinal, kind, sha256, submitted, author_ids,
  reviewer_id, reviewer_name, signer_id, signer_name, signature_id, act, rationale, action_count, signed_at, receipt_id)
SELECT tenant_id, id, 1, 4, 'signed', repeat('0', 64), 2, ARRAY[md5('p1')::uuid], md5('p2')::uuid, 'p', md5('p3')::uuid,
  'p', md5('s' || id)::uuid, 'sign', 'x', 3, opened_at + interval '5 days', md5('rv' || id)::uuid
FROM postmortems WHERE opened_at < $1 - interval '10 days';
INSERT INTO prevention_actions (tenant_id, id, postmortem_id, incident_id, title, type, owner_id, term, time_zone,
  created_at, by_id, by_name, receipt_id)
SELECT m.tenant_id, md5('a' || m.id || k)::uuid, m.id, m.incident_id, 'Action ' || k, 'prevent',
  md5('p' || (k * 17 + extract(minute FROM m.opened_at)::int) % 50)::uuid, 10, 'Europe/Berlin',
  m.opened_at + interval '1 day', md5('p1')::uuid, 'p', md5('ra' || m.id || k)::uuid
FROM postmortems m CROSS JOIN generate_series(1, 3) k;
INSERT INTO prevention_action_steps (tenant_id, action_id, ordinal, act, owner_id, due, at, by_id, by_name, receipt_id)
SELECT a.tenant_id, a.id, 1, 'begin', a.owner_id, (a.created_at + interval '18 days')::date,
  a.created_at + interval '4 days', a.owner_id, 'p', md5('rb' || a.id)::uuid
FROM prevention_actions a WHERE a.created_at < $1 - interval '9 days';
INSERT INTO prevention_action_steps (tenant_id, action_id, ordinal, act, previous, previous_act, owner_id, due, note,
  at, by_id, by_name, receipt_id)
SELECT tenant_id, action_id, 2, 'move', 1, 'begin', owner_id, due + 7, 'x', at + interval '9 days', by_id, 'p',
  md5('rc' || action_id)::uuid
FROM prevention_action_steps WHERE get_byte(decode(md5(action_id::text), 'hex'), 0) < 50
  AND at + interval '9 days' < $1;
INSERT INTO prevention_action_steps (tenant_id, action_id, ordinal, act, previous, previous_act, owner_id, note,
  evidence, at, by_id, by_name, receipt_id)
SELECT tenant_id, action_id, ordinal + 1, 'finish', ordinal, act, owner_id, 'x', 'https://x.example/',
  at + interval '12 days', by_id, 'p', md5('rd' || action_id)::uuid
FROM (SELECT DISTINCT ON (action_id) * FROM prevention_action_steps ORDER BY action_id, ordinal DESC) latest
WHERE at + interval '12 days' < $1 AND get_byte(decode(md5(action_id::text), 'hex'), 1) < 240;
INSERT INTO prevention_reminders (tenant_id, action_id, ordinal, rung, due, came_at, at, told, to_pmo)
SELECT tenant_id, action_id, ordinal, rung, due, came_at, came_at, ARRAY[CASE WHEN pmo THEN 'PMO' ELSE 'Person' END], pmo
FROM (
  SELECT s.*, r.rung, s.due + r.days * interval '1 day' + interval '9 hours' AS came_at,
         lead(s.at) OVER (PARTITION BY s.action_id, r.rung ORDER BY s.ordinal) AS until,
         r.rung = 'T+7' OR (r.rung = 'T+3' AND get_byte(decode(md5(s.owner_id::text), 'hex'), 0) < 128) AS pmo
  FROM prevention_action_steps s
  CROSS JOIN (VALUES ('T-3', -5), ('T', 0), ('T+1', 1), ('T+3', 5), ('T+7', 9)) r (rung, days)
) dated
WHERE due IS NOT NULL AND came_at <= least(until, $1);
INSERT INTO escalation_acknowledgements (tenant_id, action_id, ordinal, rung, note, at, by_id, by_name, receipt_id)
SELECT tenant_id, action_id, ordinal, rung, 'x', came_at + interval '3 days', md5('p1')::uuid, 'p',
  md5('re' || action_id || ordinal || rung)::uuid
FROM prevention_reminders
WHERE to_pmo AND rung IN ('T+3', 'T+7') AND get_byte(decode(md5(action_id::text), 'hex'), 2) < 128;
INSERT INTO prevention_standings ({COLUMNS})
{DERIVED.replace("$1", f"'{VENDOR_ID}'")};
"""


async def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder), ManualClock(NOW), base_url=_ORIGIN) as place:
            owed, waiting = await _fill(place.servers)
            page, narrowed = await _ask(place.house, place.settings)
    what = f"Switchboard, {INCIDENTS:,} incidents and {ACTIONS:,} actions, 95th percentile"
    return [
        at_most(what, page.p95, "ms", PROMISED_MS, "promised, server side"),
        context("… median", statistics.median(page.wall), "ms"),
        at_most(_PROCESSOR, page.processor, "ms", PROMISED_MS, "promised, server side"),
        context("… one service alone, median", statistics.median(narrowed.wall), "ms"),
        context(_PROCESSOR, narrowed.processor, "ms"),
        context("… prevention actions open among them", owed, ""),
        context("… escalations that wait for the PMO", waiting, ""),
    ]


async def _fill(servers: Servers) -> tuple[int, int]:
    """How many actions are open afterwards, and how many escalations of them wait."""
    async with past_the_doors(servers) as connection:
        for statement in filter(str.strip, _FILL.split(";\n")):
            await connection.execute(statement.replace("$1", f"timestamptz '{NOW.isoformat()}'"))
        actions, open_ = await connection.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE ended_at IS NULL) FROM prevention_standings"
        )
        if actions != ACTIONS:
            raise RuntimeError(f"{actions} actions were written, not {ACTIONS}")
        waiting: int = await connection.fetchval(
            "SELECT count(*) FROM prevention_reminders r JOIN prevention_standings s USING (tenant_id, action_id)"
            " WHERE r.to_pmo AND r.rung IN ('T+3', 'T+7') AND s.ended_at IS NULL AND NOT EXISTS (SELECT"
            " FROM escalation_acknowledgements e WHERE (e.action_id, e.ordinal, e.rung) = (r.action_id, r.ordinal, r.rung))"
        )
    return open_, waiting


async def _ask(house: House, settings: Settings) -> tuple[Taken, Taken]:
    """The whole board, and that of one service."""
    pmo = await house.people.add(AddPerson(VENDOR_ID, "pmo@vendor.example", "Petra Office"), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, pmo.id, Role.PMO), CONSOLE)
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        signed_in = await house.sessions.open(session, pmo, Method.LINK, Client("benchmark"))
    # As in the process that serves, where nobody looks for garbage among what was imported.
    settled()
    app = create_app(settings)
    app.state.house = house
    took = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=_ORIGIN,
        cookies={cookie_name(secure=False): signed_in.cookie or ""},
    ) as browser:
        for path in ("/switchboard", "/switchboard?service=service-7"):

            async def look(path: str = path) -> None:
                answer = await browser.get(path)
                assert answer.status_code == 200, answer.text

            took.append(await take(look, _REQUESTS, warming_up=_WARMING_UP))
    whole, narrowed = took
    return whole, narrowed
