"""A decision, from the form that was sent to the answer, with everything that lies between.

Session, policies, who may still fill which place, the rules, the passkey's assertion over the whole
statement, receipt, step, notification and commit, by
the portal's own application without a network, beside a worker's sequencer, fsync on. Both approvals
of each request: the first, and the one that completes it, after which there is more to tell.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from starlette.applications import Starlette

from benchmarks.cpu_time import below_seconds
from benchmarks.installation import installation
from benchmarks.row import Row, at_most, context
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import (
    ApprovalKind,
    ApprovalRequest,
    AskApproval,
    Intent,
    IntentLine,
    StepAct,
)
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.passkeys.model import FinishEnrolment, NameOfPasskey
from trust_portal.access.passkeys.relying_party import relying_party
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.sessions.model import Client, Method, SignedIn
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.app import create_app
from trust_portal.demo.authenticator import Authenticator
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope
from trust_portal.web.authentication import cookie_name

_ROUND_TRIPS = 100
_WARMING_UP = 10
#: What the product promises for a decision on the server's side.
PROMISED_MS = 100.0
_ORIGIN = "http://localhost"


async def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder), base_url=_ORIGIN) as place:
            house = place.house
            stop = asyncio.Event()
            sequencer = asyncio.create_task(run_sequencer(house.storage, house.keyring, stop, host="x"))
            try:
                took, processor = await _decide(house, place.settings)
                reads = await _reads(house)
            finally:
                stop.set()
                await sequencer
    rows: list[Row] = []
    for name, each in took.items():
        title = f"{name} approval by form, signed with a passkey, 95th percentile"
        percentile = statistics.quantiles(each, n=20)[18]
        rows.append(at_most(title, percentile, "ms", PROMISED_MS, "promised, server side"))
        rows.append(context("… median", statistics.median(each), "ms"))
    return [
        *rows,
        context("… processor time of portal, database and sequencer, each", processor, "ms"),
        context("… a transaction that reads one row, median of the same run", statistics.median(reads), "ms"),
    ]


async def _reads(house: House) -> list[float]:
    """What the machine takes for the least that can be asked of the database, in milliseconds."""
    took = []
    for _ in range(_ROUND_TRIPS):
        began = time.perf_counter()
        await house.storage.ping()
        took.append((time.perf_counter() - began) * 1000)
    return took


async def _decide(house: House, settings: Settings) -> tuple[dict[str, list[float]], float]:
    """Milliseconds of each approval by its name, the first few left out; and of processor time, on average."""
    tenant = await house.tenants.create(CreateTenant("acme", "Acme Ltd"), CONSOLE)
    asker = await _person(house, "olive@vendor.example", Role.SRE_OPERATOR)
    # In the order of the places that they fill.
    approvers = (
        await _person(house, "sam@vendor.example", Role.APPROVER_SECURITY),
        await _person(house, "fay@vendor.example", Role.APPROVER_FINANCE),
    )
    requests = [
        await _ask(house, tenant, asker.as_actor(), number) for number in range(_WARMING_UP + _ROUND_TRIPS)
    ]
    app = create_app(settings)
    app.state.house = house
    took: dict[str, list[float]] = {}
    processor = 0.0
    for slot, (name, approver) in enumerate(zip(("first", "completing"), approvers, strict=True), start=1):
        actor, device = approver.as_actor(), await _enrol(house, approver.as_actor())
        took[name] = []
        async with await _browser(house, app, approver) as browser:
            for number, request in enumerate(requests):
                form = _signed(request, actor, device, slot)
                began, spent = time.perf_counter(), _processor_seconds()
                answer = await browser.post(f"/t/acme/approvals/{request.id}/approve", data=form)
                elapsed, spent = time.perf_counter() - began, _processor_seconds() - spent
                assert answer.status_code == 303, answer.text
                if number >= _WARMING_UP:
                    took[name].append(elapsed * 1000)
                    processor += spent
    return took, processor * 1000 / sum(map(len, took.values()))


async def _browser(house: House, app: Starlette, person: Person) -> httpx.AsyncClient:
    """Signed in as ``person``."""
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        signed_in = await house.sessions.open(session, person, Method.LINK, Client("benchmark"))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=_ORIGIN,
        cookies={cookie_name(secure=False): signed_in.cookie or ""},
        headers={"sec-fetch-site": "same-origin"},
    )


def _signed(request: ApprovalRequest, actor: Actor, device: Authenticator, slot: int) -> dict[str, str]:
    """What the decision's page sends."""
    reason = "looked at it, fine"
    statement = decision_statement(request, StepAct.APPROVE, slot, actor.id, actor.name, reason)
    assertion = json.dumps(dict(device.sign(challenge_of(canonical(statement))).json()))
    return {"digest": request.digest, "reason": reason, "slot": str(slot), "assertion": assertion}


def _processor_seconds() -> float:
    return time.process_time() + below_seconds(os.getpid())


async def _enrol(house: House, actor: Actor) -> Authenticator:
    """A passkey of ``actor`` on a device in software."""
    party = relying_party(house.settings.base_url, house.settings.passkey_domain)
    device, now = Authenticator(party.id, party.origin), house.clock.now()
    signed_in = SignedIn(new_id(), actor, now, now)
    ceremony = await house.passkeys.begin(NameOfPasskey("Benchmark"), signed_in)
    answer = device.create(json.loads(ceremony.options))
    await house.passkeys.finish(FinishEnrolment(ceremony.id, answer), signed_in)
    return device


async def _person(house: House, email: str, role: Role) -> Person:
    person = await house.people.add(AddPerson(VENDOR_ID, email, email.partition("@")[0].title()), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, role), CONSOLE)
    return await house.people.get(CONSOLE, VENDOR_ID, person.id)


async def _ask(house: House, tenant: Tenant, asker: Actor, number: int) -> ApprovalRequest:
    intent = Intent(
        kind=ApprovalKind.RETENTION_CHANGE,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        title=f"Keep exports for {number + 1} days",
        act=(IntentLine("Retention of exports", f"{number + 1} days"),),
        effect="Less storage",
        risk="What is older is gone",
    )
    approvers = await house.approvals.who_could(intent.kind, tenant.id)
    async with house.storage.write(TenantScope(tenant.id)) as session:
        ask = AskApproval(tenant.id, intent, "storage doubled", f"exports/{number}")
        return await house.approvals.open(session, ask, asker, approvers)
