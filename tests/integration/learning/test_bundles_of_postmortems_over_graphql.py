"""GraphQL names the bundles of versions and copies, and asks anew for one that failed, by the portal's rights."""

from __future__ import annotations

import pytest
from support.postmortem_desk import Desk, actor_of, desk_of

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.access.rights import actor_with
from trust_portal.evidence.export import Export, ExportState
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.model import COPY_KIND, Release, Reopen
from trust_portal.learning.postmortems.reading import VersionBundles

pytestmark = pytest.mark.takes(seconds=15)

VERSIONS = """query ($id: ID!) { postmortem(id: $id) { versions {
    id number export { id state sha256 downloadUrl } renewedExport { id state sha256 downloadUrl } } } }"""
COPIES = """{ tenant(key: "northwind") {
    postmortems { id export { id state failure sha256 downloadUrl } }
    incidents(since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z") {
      postmortem { id export { id state failure sha256 downloadUrl } } } } }"""
ASK = """mutation ($id: ID!) { requestExport(input: {documentId: $id}) {
    export { id state failure } userErrors { code path } } }"""


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


async def ask(desk: Desk, actor, document: str, **variables):
    context = Context(desk.house, actor)
    answer = await schema.execute(document, variable_values=variables, context_value=context)
    assert answer.errors is None, answer.errors
    return answer.data


async def bundles(desk: Desk, postmortem) -> VersionBundles:
    return (await desk.house.postmortem_reader.find(desk.owner, postmortem.id)).bundles


def told(export: Export | None, tenant: str = "vendor") -> dict | None:
    """What GraphQL says of one that is ready."""
    if export is None:
        return None
    assert export.state is ExportState.READY
    return {
        "id": encode("Export", export.tenant_id, export.id),
        "state": "READY",
        "sha256": export.digest,
        "downloadUrl": f"https://trust.example/t/{tenant}/exports/{export.id}/bundle.zip",
    }


async def test_a_version_names_its_bundle_and_the_one_made_anew(desk):
    signed = await desk.signed(await desk.postmortem())
    await desk.bundle(signed.id)
    id_ = encode("Postmortem", VENDOR_ID, signed.id)
    one = await bundles(desk, signed)
    assert one.renewed == {}
    (version,) = (await ask(desk, desk.reviewer, VERSIONS, id=id_))["postmortem"]["versions"]
    assert version == {
        "id": encode("PostmortemVersion", VENDOR_ID, signed.versions[0].receipt_id),
        "number": 1,
        "export": told(one.signed[1]),
        "renewedExport": None,
    }
    begun = await desk.house.postmortem_signing.reopen(Reopen(signed.id, "Late evidence."), desk.owner)
    later = await desk.signed(begun)
    renewed = await desk.house.postmortem_bundles.renew(desk.owner, signed.id, 1)
    newest = later.versions[-1].receipt_id
    await desk.bundle(newest, 1)
    both = await bundles(desk, signed)
    assert (both.signed[1], both.renewed[1].id, sorted(both.signed)) == (one.signed[1], renewed.id, [1, 2])
    first, second = (await ask(desk, desk.reviewer, VERSIONS, id=id_))["postmortem"]["versions"]
    assert (first["export"], first["renewedExport"]) == (told(one.signed[1]), told(both.renewed[1]))
    assert (second["export"]["state"], second["renewedExport"]) == ("REQUESTED", None)
    listed = await desk.house.postmortem_reader.page(desk.reviewer, PageRequest(5))
    assert [each.bundles for each in listed.items] == [both]


async def test_a_version_whose_bundle_failed_is_asked_for_again_by_who_may_ask_for_bundles(desk):
    signed = await desk.signed(await desk.postmortem())
    made = (await bundles(desk, signed)).signed[1]
    version = encode("PostmortemVersion", VENDOR_ID, signed.versions[0].receipt_id)
    failed = await desk.house.exports.fail(VENDOR_ID, made.id, "No ink.")
    context = Context(desk.house, actor_with(Role.PMO))
    denied = await schema.execute(ASK, variable_values={"id": version}, context_value=context)
    assert [each.original_error.code for each in denied.errors or ()] == ["DENIED"]
    assert (await bundles(desk, signed)).signed[1] == failed
    asked = (await ask(desk, desk.reviewer, ASK, id=version))["requestExport"]
    id_ = encode("Export", VENDOR_ID, made.id)
    assert asked == {"export": {"id": id_, "state": "REQUESTED", "failure": None}, "userErrors": []}
    for unknown in (
        encode("PostmortemVersion", VENDOR_ID, signed.id),
        encode("PostmortemVersion", desk.northwind, signed.versions[0].receipt_id),
        encode("PostmortemCopy", desk.northwind, signed.id),
    ):
        none = (await ask(desk, desk.reviewer, ASK, id=unknown))["requestExport"]
        assert (none["export"], none["userErrors"][0]["code"]) == (None, "NOT_FOUND")


async def test_a_copy_names_its_bundle_in_both_lists_and_its_customer_asks_anew(desk):
    signed = await desk.signed(await desk.postmortem())
    admin = actor_of(await desk.vendor.person("Carla Vento", Role.CUSTOMER_ADMIN, tenant_id=desk.northwind))
    other = actor_of(await desk.vendor.person("Otto Klein", Role.CUSTOMER_ADMIN, tenant_id=desk.contoso))
    command = Release(signed.id, 1, desk.northwind, "customer", "As promised.")
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    await desk.house.postmortem_copies.issue(release.id)
    copy = encode("PostmortemCopy", desk.northwind, release.id)

    async def seen() -> dict:
        found = (await ask(desk, admin, COPIES))["tenant"]
        (listed,), (incident,) = found["postmortems"], found["incidents"]
        assert listed == incident["postmortem"]
        assert listed["id"] == copy
        return listed["export"]

    begun = await seen()
    assert (begun["state"], begun["sha256"], begun["downloadUrl"]) == ("REQUESTED", None, None)
    opened = await desk.house.postmortem_copies.find(admin, desk.northwind, release.id)
    assert opened.export is not None
    await desk.house.exports.fail(desk.northwind, opened.export.id, "No ink.")
    assert await seen() == {**begun, "state": "FAILED", "failure": "No ink."}
    none = (await ask(desk, other, ASK, id=copy))["requestExport"]
    assert none == {"export": None, "userErrors": [{"code": "NOT_FOUND", "path": []}]}
    assert (await seen())["state"] == "FAILED"
    asked = (await ask(desk, admin, ASK, id=copy))["requestExport"]
    assert asked["export"] == {"id": begun["id"], "state": "REQUESTED", "failure": None}
    await desk.bundle(release.id, kind=COPY_KIND, tenant_id=desk.northwind)
    made = (await desk.house.postmortem_copies.find(admin, desk.northwind, release.id)).export
    assert await seen() == {**(told(made, "northwind") or {}), "failure": None}
