"""The border of /graphql: methods, media types, statuses, limits, persisted documents, masked errors."""

from __future__ import annotations

import hashlib
import logging

import pytest
from strawberry.extensions.validation_cache import _get_validate_cache
from support.portal_fixtures import Portal

NEW, OLD = "application/graphql-response+json", "application/json"
GOOD = "{ viewer { name } }"


async def post(portal: Portal, body: dict[str, object], accept: str = NEW):
    async with portal.browser("customer_viewer") as browser:
        return await browser.post("/graphql", json=body, headers={"accept": accept})


@pytest.mark.parametrize(
    "query, accept, status",
    [
        (GOOD, NEW, 200),
        (GOOD, OLD, 200),
        ("{ viewer { nonsense } }", NEW, 400),
        ("{ viewer { nonsense } }", OLD, 200),
        ("{ viewer {", NEW, 400),
        ("{ viewer {", OLD, 200),
    ],
)
async def test_the_status_follows_the_media_type(portal: Portal, query: str, accept: str, status: int):
    answer = await post(portal, {"query": query}, accept)
    assert (answer.status_code, answer.headers["content-type"]) == (status, f"{accept}; charset=utf-8")
    assert ("data" in answer.json()) == (query == GOOD)


async def test_only_posts_of_json_by_somebody_are_taken(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        got = await browser.get("/graphql", params={"query": GOOD})
        assert (got.status_code, got.headers["allow"]) == (405, "POST")
        assert (await browser.post("/graphql", content=GOOD)).status_code == 415
        broken = await browser.post("/graphql", content=b"{", headers={"content-type": OLD})
        assert broken.status_code == 400
        large = await browser.post("/graphql", json={"query": "#" * 300_000})
        assert large.status_code == 413
    async with portal.browser() as nobody:
        refused = await nobody.post("/graphql", json={"query": "{ __typename }"})
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["extensions"] == {"code": "NOT_SIGNED_IN"}


async def test_another_site_cannot_make_a_browser_ask(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        refused = await browser.post(
            "/graphql", json={"query": GOOD}, headers={"sec-fetch-site": "cross-site"}
        )
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "query, limit",
    [
        ("{ viewer { " + " ".join(f"a{i}: name" for i in range(21)) + " } }", "aliases"),
        (
            "{ __schema { types { " + "fields { type { " + "ofType { " * 9 + "name" + " }" * 9 + " } } } } }",
            "depth",
        ),
        ("{ tenants(first: 100) { nodes { receipts(first: 100) { nodes { id } } } } }", "cost"),
        ("query ($n: Int) { tenants(first: $n) { nodes { receipts(first: $n) { nodes { id } } } } }", "cost"),
    ],
)
async def test_a_document_that_asks_for_too_much_never_runs(portal: Portal, query: str, limit: str):
    answer = await post(portal, {"query": query, "variables": {"n": 1}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "DOCUMENT_TOO_LARGE", "limit": limit}


async def test_variables_of_endless_depth_are_no_request(portal: Portal):
    deep = "[" * 3000 + "]" * 3000
    async with portal.browser("customer_viewer") as browser:
        answer = await browser.post(
            "/graphql",
            content=f'{{"query": "{GOOD}", "variables": {{"a": {deep}}}}}',
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("the body is no GraphQL request: ")


async def test_too_many_tokens_and_too_large_pages_are_refused(portal: Portal):
    assert (await post(portal, {"query": "{ " + "viewer { name } " * 700 + "}"})).status_code == 400
    for page in ("first: 101", "first: 0", "first: -1", "first: 1, last: 1", 'after: "x"'):
        answer = await post(
            portal,
            {"query": "{ viewer { tenant { receipts(PAGE) { nodes { id } } } } }".replace("PAGE", page)},
        )
        assert "errors" in answer.json(), page


async def test_a_persisted_document_is_sent_once_and_asked_for_by_its_digest(portal: Portal):
    digest = "sha256:" + hashlib.sha256(GOOD.encode()).hexdigest()
    unknown = await post(portal, {"documentId": digest})
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_DOCUMENT_NOT_FOUND"
    false = await post(portal, {"documentId": "sha256:00", "query": GOOD})
    assert false.json()["errors"][0]["extensions"]["code"] == "PERSISTED_DOCUMENT_MISMATCH"
    assert (await post(portal, {"documentId": digest, "query": GOOD})).status_code == 200
    assert (await post(portal, {"documentId": digest})).json()["data"]["viewer"]["name"] == "Customer_Viewer"


async def test_what_broke_is_masked_and_logged_once_under_its_reference(portal: Portal, monkeypatch, caplog):
    async def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(portal.house.tenants), "get", breaks)
    with caplog.at_level(logging.DEBUG):
        answer = await post(portal, {"query": "{ viewer { tenant { key } } }"})
    assert "secret detail" not in answer.text
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert sum(error["extensions"]["reference"] in record.getMessage() for record in caplog.records) == 1


async def test_a_refusal_leaves_no_stack_trace_in_the_log(portal: Portal, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = await post(portal, {"query": '{ tenant(key: "nobody") { name } }'})
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert [record for record in caplog.records if record.exc_info] == []


async def test_the_same_document_is_validated_once(portal: Portal):
    cache = _get_validate_cache(256)
    query = {"query": "{ viewer { name kind staff } }"}
    await post(portal, query)
    before = cache.cache_info()
    await post(portal, query)
    after = cache.cache_info()
    # Its bounds, and then the rest.
    assert (after.hits - before.hits, after.misses - before.misses) == (2, 0)
