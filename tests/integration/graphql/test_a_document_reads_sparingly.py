"""One document is not everybody else's wait: what siblings ask alike is read once, and few read at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import event
from support.portal_fixtures import Portal

from schema.ids import encode
from schema.work import AT_ONCE


@dataclass
class Transactions:
    """Connections taken from the pool: each unit of work takes one."""

    taken: int = 0
    held: int = 0
    most: int = 0


@contextmanager
def watched(portal: Portal) -> Iterator[Transactions]:
    seen, pool = Transactions(), portal.house.storage.engine.sync_engine.pool

    def take(*_: object) -> None:
        seen.taken += 1
        seen.held += 1
        seen.most = max(seen.most, seen.held)

    def give_back(*_: object) -> None:
        seen.held -= 1

    event.listen(pool, "checkout", take)
    event.listen(pool, "checkin", give_back)
    try:
        yield seen
    finally:
        event.remove(pool, "checkout", take)
        event.remove(pool, "checkin", give_back)


async def ask(client: httpx.AsyncClient, query: str, **variables: object) -> dict[str, Any]:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    return dict(answer.json())


async def test_statements_and_proofs_of_a_page_of_receipts_are_one_read(portal: Portal):
    query = "query ($n: Int) { viewer { tenant { receipts(first: $n) { nodes { %s } } } } }"
    async with portal.browser("customer_admin") as browser:
        await ask(browser, query % "kind", n=1)
        with watched(portal) as of_the_page:
            plain = await ask(browser, query % "kind", n=10)
        with watched(portal) as of_all:
            whole = await ask(browser, query % "statement proof", n=10)
    nodes = whole["data"]["viewer"]["tenant"]["receipts"]["nodes"]
    assert len(plain["data"]["viewer"]["tenant"]["receipts"]["nodes"]) == len(nodes) == 10
    assert all(each["statement"].startswith('{"_type":"https://in-toto.io/Statement/v1"') for each in nodes)
    assert all(each["proof"].startswith("c2sp.org/tlog-proof@v1\n") for each in nodes)
    assert of_all.taken == of_the_page.taken + 1


async def test_a_proof_is_of_its_own_receipt_however_many_are_asked_for(portal: Portal):
    theirs = portal.world.aurora
    id_ = encode("Receipt", theirs.id, theirs.receipt)
    query = "query ($id: ID!) { one: node(id: $id) { ...P } viewer { tenant { receipts(first: 50) { nodes { ...P } } } } }"
    query += " fragment P on Receipt { id sha256 proof }"
    async with portal.browser("customer_admin") as browser:
        got = (await ask(browser, query, id=id_))["data"]
    (among,) = (each for each in got["viewer"]["tenant"]["receipts"]["nodes"] if each["id"] == id_)
    assert among == got["one"]
    proofs = [each["proof"] for each in got["viewer"]["tenant"]["receipts"]["nodes"]]
    assert len(set(proofs)) == len(proofs) > 1


async def test_fields_that_wait_for_the_house_take_turns(portal: Portal):
    aliases = " ".join(f'a{n}: slaReport(period: "2026-06") {{ document }}' for n in range(20))
    async with portal.browser("customer_admin") as browser:
        with watched(portal) as seen:
            got = await ask(browser, f"{{ viewer {{ tenant {{ {aliases} }} }} }}")
    assert len(got["data"]["viewer"]["tenant"]) == 20
    assert seen.taken > 20
    assert 1 < seen.most <= AT_ONCE


async def test_what_is_not_there_is_null_beside_what_is(portal: Portal):
    nothing = encode("CostAnomaly", portal.world.aurora.id, portal.world.aurora.report)
    query = 'query ($id: ID!) { costAnomaly(id: $id) { id } tenant(key: "nobody") { key } viewer { name } }'
    async with portal.browser("customer_admin") as browser:
        got = await ask(browser, query, id=nothing)
    assert (got["data"]["costAnomaly"], got["data"]["tenant"]) == (None, None)
    assert got["data"]["viewer"]["name"]
    assert sorted((each["path"][0], each["extensions"]["code"]) for each in got["errors"]) == [
        ("costAnomaly", "NOT_FOUND"),
        ("tenant", "NOT_FOUND"),
    ]
