"""A customer's copy of a version that no longer counts: its bundle is made anew, and says by what it was superseded."""

from __future__ import annotations

import json

import pytest
from support.postmortem_desk import Desk, actor_of, desk_of

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.errors import Conflict, Denied, NotFound
from trust_portal.evidence import bundle
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.verify import verify
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.copy_attestation import attest_copy
from trust_portal.learning.postmortems.copy_renewing import receipt_of
from trust_portal.learning.postmortems.model import COPY_KIND, Release, Reopen
from trust_portal.learning.recompute import RECOMPUTERS
from trust_portal.learning.verification import KINDS
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=20)
RENEW = """mutation ($id: ID!) { renewPostmortemCopyBundle(input: {copyId: $id}) {
    export { id } userErrors { code } } }"""
COPIES = (
    """{ tenant(key: "northwind") { postmortems { version supersededByVersion renewedExport { id } } } }"""
)


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


async def released(desk: Desk, postmortem):
    command = Release(postmortem.id, postmortem.version, desk.northwind, "customer", "As we promised.")
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    assert await desk.house.postmortem_copies.issue(release.id)
    return release


async def next_version(desk: Desk, postmortem):
    reopened = await desk.house.postmortem_signing.reopen(
        Reopen(postmortem.id, "A log was found."), desk.owner
    )
    return await desk.signed(reopened)


async def reader_at_northwind(desk: Desk):
    return actor_of(await desk.vendor.person("Carla Vento", Role.CUSTOMER_ADMIN, tenant_id=desk.northwind))


async def bundle_of(desk: Desk, subject) -> bytes:
    return await desk.bundle(subject, 1, kind=COPY_KIND, tenant_id=desk.northwind)


async def superseding(desk: Desk) -> list:
    page = await desk.house.archive.receipts(
        desk.reviewer, desk.northwind, PageRequest(50), ReceiptKind.POSTMORTEM_COPY_SUPERSEDED
    )
    return list(page.items)


async def test_its_bundle_is_made_anew_and_says_by_what_it_was_superseded_and_the_old_one_stays(desk):
    """Also where the later version was not released to the customer: by the service and by GraphQL, once."""
    first = await desk.signed(await desk.postmortem())
    release = await released(desk, first)
    old = await bundle_of(desk, release.id)
    customer = await reader_at_northwind(desk)
    second = await next_version(desk, first)
    later, copies = second.versions[1], desk.house.postmortem_copies
    assert (await copies.find(customer, desk.northwind, release.id)).renewed is None

    asked = await copies.renew(customer, desk.northwind, release.id)
    answer = await schema.execute(
        RENEW,
        variable_values={"id": encode("PostmortemCopy", desk.northwind, release.id)},
        context_value=Context(desk.house, customer),
    )
    assert answer.errors is None, answer.errors
    export_id = encode("Export", desk.northwind, asked.id)
    assert answer.data == {"renewPostmortemCopyBundle": {"export": {"id": export_id}, "userErrors": []}}
    listed = await schema.execute(COPIES, context_value=Context(desk.house, customer))
    assert listed.data["tenant"]["postmortems"] == [
        {"version": 1, "supersededByVersion": 2, "renewedExport": {"id": export_id}}
    ]
    found = await copies.find(customer, desk.northwind, release.id)
    assert found.renewed is not None
    assert found.export is not None
    assert found.renewed.id == asked.id != found.export.id

    [receipt] = await superseding(desk)
    assert receipt.id == receipt_of(release.id, 2) == asked.subject_id
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        signature = await find_receipt(session, VENDOR_ID, later.receipt_id)
    said = Statement.parse(Envelope.parse(receipt.envelope).payload).predicate
    assert said["result"] == {
        "release": str(release.id),
        "postmortem": str(first.id),
        "version": "1",
        "revision": "1",
        "copy": release.sha256,
        "superseded_by": {"version": "2", "sha256": later.sha256, "signed_at": rfc3339(later.signed_at)},
        "signed": {"receipt": str(later.receipt_id), "sha256": sha256_hex(signature.envelope)},
    }

    new, policy = await bundle_of(desk, asked.subject_id), await desk.policy(desk.northwind)
    verdict = verify(new, policy=policy, since=old, kinds=KINDS, recomputers=RECOMPUTERS)
    before = verify(old, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.ok, verdict.findings
    assert before.ok, before.findings
    assert (
        f"version 1, of which this is a copy, is superseded by version 2, SHA-256 {later.sha256}, signed "
        f"{rfc3339(later.signed_at)}: the copy was issued, and is no longer what counts"
    ) in verdict.proved
    assert not any("superseded" in each for each in before.proved)
    files, known = bundle.read(new).files, bundle.read(old).files
    for name in ("postmortem-copy.json", "evidence.csv", "inputs/redaction.yaml"):
        assert files[name] == known[name], name
    assert await bundle_of(desk, release.id) == old, "what was handed out stays"
    assert await bundle_of(desk, asked.subject_id) == new


async def test_a_bundle_that_says_so_of_another_copy_is_found_out(desk):
    first = await desk.signed(await desk.postmortem())
    release = await released(desk, first)
    second = await released(desk, await next_version(desk, first))
    customer = await reader_at_northwind(desk)
    asked = await desk.house.postmortem_copies.renew(customer, desk.northwind, release.id)
    files = dict(bundle.read(await bundle_of(desk, asked.subject_id)).files)
    assert attest_copy(files, str(desk.northwind)) == []
    others = bundle.read(await bundle_of(desk, second.id)).files
    mixed = files | {name: each for name, each in others.items() if name != "manifest.dsse.json"}
    name = f"receipts/{asked.subject_id}.dsse.json"
    assert {(each.file, each.field) for each in attest_copy(mixed, str(desk.northwind))} == {
        (name, "subject"),
        (name, "predicate.result.version"),
        (name, "predicate.result.superseded_by"),
    }
    assert json.loads(others["postmortem-copy.json"])["original"]["version"] == "2"


async def test_neither_a_copy_of_what_counts_nor_another_customers_nor_by_whoever_may_not_ask(desk):
    first = await desk.signed(await desk.postmortem())
    release = await released(desk, first)
    renew, customer = desk.house.postmortem_copies.renew, await reader_at_northwind(desk)
    with pytest.raises(Conflict) as refused:
        await renew(customer, desk.northwind, release.id)
    assert refused.value.code == "NOT_SUPERSEDED"
    await next_version(desk, first)
    with pytest.raises(NotFound):
        await renew(customer, desk.contoso, release.id)
    with pytest.raises(NotFound):
        await renew(customer, desk.northwind, new_id())
    with pytest.raises(Denied):
        await renew(desk.owner, desk.northwind, release.id)
    assert await superseding(desk) == []
    assert (await desk.house.postmortem_copies.find(customer, desk.northwind, release.id)).renewed is None
