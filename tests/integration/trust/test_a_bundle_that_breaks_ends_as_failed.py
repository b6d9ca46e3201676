"""A bundle whose document cannot be set ends as failed, in words, where bundles are listed, and is asked for anew."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from report_desk import CORA, credited, publish
from sqlalchemy import text
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from jobs.exports import EXPORT_DUTIES
from jobs.workbench import Workbench
from schema.ids import decode, encode
from trust_portal.evidence.export import Export
from trust_portal.storage.backlog import MAX_ATTEMPTS, MAX_BACK_OFF, Backlog
from trust_portal.storage.outbox import EXPORTS_QUEUE, Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.report import renderer

pytestmark = pytest.mark.takes(seconds=20)

_BUILD = next(each for each in EXPORT_DUTIES if each.job is Job.BUILD_EXPORT)
_LISTED = (
    "{ viewer { tenant { exports(first: 50) { nodes { id state step percent failure downloadUrl } } } } }"
)
_ASK = """mutation ($id: ID!) { requestExport(input: {documentId: $id}) {
    export { id state failure } userErrors { code } } }"""


async def attempt(portal: Portal, export: Export) -> None:
    """What a worker does with the export's job, once it is due."""
    backlog = Backlog(portal.house.storage)
    row = next(each for each in await backlog.waiting() if each.arguments.get("export") == str(export.id))
    portal.clock.advance(max(row.due_at - portal.clock.now(), timedelta(0)))
    (ticket,) = [each for each in await backlog.hand_over(EXPORTS_QUEUE) if each.row_id == row.row_id]
    await Workbench(portal.house, backlog).attempt(_BUILD, str(ticket.row_id), ticket.attempts)


async def made_of(portal: Portal, export: Export) -> tuple[int, ...]:
    """How many files, bundles and receipts there are of the export."""
    counts = (
        "SELECT count(*) FROM export_files WHERE tenant_id = :t AND export_id = :e",
        "SELECT count(*) FROM artefacts WHERE tenant_id = :t AND export_id = :e",
        "SELECT count(*) FROM receipts WHERE tenant_id = :t AND id = :r",
    )
    ids = {"t": export.tenant_id, "e": export.id, "r": export.manifest_receipt_id}
    async with portal.house.storage.read(TenantScope(export.tenant_id)) as session:
        return tuple([(await session.execute(text(each), ids)).scalar_one() for each in counts])


async def over_graphql(portal: Portal, export: Export) -> dict[str, object]:
    """As the list of bundles has it."""
    async with portal.browser("customer_viewer") as viewer:
        answer = await viewer.post("/graphql", json={"query": _LISTED})
    nodes = answer.json()["data"]["viewer"]["tenant"]["exports"]["nodes"]
    (found,) = [each for each in nodes if each["id"] == encode("Export", export.tenant_id, export.id)]
    return {name: found[name] for name in ("state", "step", "percent", "failure", "downloadUrl")}


@pytest.mark.parametrize("breaks", [RuntimeError("no glyph for U+1F9FE"), MemoryError()])
async def test_a_document_that_cannot_be_set_is_tried_again_and_ends_as_failed_where_bundles_are_listed(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, breaks: Exception
) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    export = (await house.trust_reports.get(CORA, aurora.id, report.id)).export
    assert export is not None

    def broken(*_: object) -> bytes:
        raise breaks

    with monkeypatch.context() as patched:
        patched.setattr(renderer, "trust_report_pdf", broken)
        for _ in range(MAX_ATTEMPTS - 1):
            await attempt(portal, export)
            assert await over_graphql(portal, export) == {
                "state": "RENDERING",
                "step": "It broke off, and is tried again",
                "percent": 20,
                "failure": None,
                "downloadUrl": None,
            }
        async with portal.browser("customer_viewer") as viewer:
            assert "It broke off, and is tried again" in (await viewer.get("/t/aurora/exports")).text
        await attempt(portal, export)
    name = type(breaks).__name__
    words = f"an internal error ({name}), 8 times; the worker's log has the cause"
    failed = {
        "state": "FAILED",
        "step": "Failed",
        "percent": 20,
        "failure": words,
        "downloadUrl": None,
    }
    assert await over_graphql(portal, export) == failed
    assert await made_of(portal, export) == (0, 0, 0)
    (row,) = [
        each
        for each in await Backlog(house.storage).waiting()
        if each.arguments.get("export") == str(export.id)
    ]
    assert (row.attempts, row.last_error, row.failed_at) == (MAX_ATTEMPTS, name, portal.clock.now())
    portal.clock.advance(MAX_BACK_OFF)
    assert row.row_id not in [each.row_id for each in await Backlog(house.storage).hand_over(EXPORTS_QUEUE)]
    assert await over_graphql(portal, export) == failed, "nothing more happens by itself"

    at = f"/t/aurora/trust/{report.id}"
    async with portal.browser("customer_viewer") as viewer:
        listed = unescape((await viewer.get("/t/aurora/exports")).text)
        assert f"<p>{words}</p><p>Who may ask for bundles has it made again on its own page.</p>" in listed
        page = unescape((await viewer.get(at)).text)
        assert words in page
        assert "Make the bundle again" in page
        answer = await viewer.post(f"{at}/bundle")
        assert answer.status_code == 303
    assert (await over_graphql(portal, export))["state"] == "REQUESTED"
    async with sequencing(house):
        built = await house.exports.build(aurora.id, export.id)
    assert (built.id, built.state.value, built.failure) == (export.id, "ready", None)
    assert (await made_of(portal, export))[1:] == (1, 1)


async def test_the_failed_bundle_of_a_credit_is_asked_for_anew_over_graphql(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    credit = await credited(house, aurora.id)
    document = encode("Credit", aurora.id, credit.id)
    async with portal.browser("customer_viewer") as viewer:

        async def asked(of: str) -> dict[str, Any]:
            answer = await viewer.post("/graphql", json={"query": _ASK, "variables": {"id": of}})
            return answer.json()["data"]["requestExport"]

        standing = await asked(document)
        assert (standing["export"]["state"], standing["userErrors"]) == ("REQUESTED", [])
        export_id = decode(standing["export"]["id"]).id
        failed = await house.exports.fail(aurora.id, export_id, "no ink")
        assert (failed.state.value, failed.failure) == ("failed", "no ink")
        assert await asked(document) == standing, "it begins anew, as the same export"
        theirs = await asked(encode("Credit", portal.world.brightside.id, credit.id))
        assert (theirs["export"], theirs["userErrors"][0]["code"]) == (None, "NOT_FOUND")
