"""A copy shows no digest without a salt: whoever guessed a note, or whom else it touched, could be sure by it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

import pytest
from support.learning_world import updated
from support.postmortem_desk import desk_of

from trust_portal.evidence import bundle
from trust_portal.kernel.canonical import canonical
from trust_portal.learning.postmortems.model import (
    COPY_FILE,
    COPY_KIND,
    EVIDENCE_FILE,
    Acknowledgement,
    Release,
)
from trust_portal.learning.postmortems.profiles import shipped_profiles

pytestmark = pytest.mark.takes(seconds=30)


@pytest.mark.parametrize("profile", shipped_profiles())
async def test_no_beginning_of_a_digest_of_ours_stands_in_a_copy_by_any_profile(vendor, profile):
    desk = await desk_of(vendor)
    signed = await desk.signed(await desk.postmortem())
    preview = await desk.house.postmortem_releases.preview(desk.owner, signed.id, desk.northwind, profile)
    stands = tuple(Acknowledgement(each.id, "They know each other.") for each in preview.warnings)
    command = Release(signed.id, 1, desk.northwind, profile, "As we promised on the phone.", stands)
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    assert await desk.house.postmortem_copies.issue(release.id)

    document = (await desk.house.postmortem_reader.find(desk.owner, signed.id)).document
    digests = {each["sha256"] for each in document["evidence"]}
    assert {each["kind"] for each in document["evidence"]} == {"timeline", "change"}
    assert len(digests) == 7
    copy = canonical(json.loads(release.document)).decode()
    assert [each for each in digests if each[:16] in copy] == []
    assert all("id" in each for each in json.loads(copy)["document"]["timeline"]), "nor need be withheld"

    content = await desk.bundle(release.id, release.revision, kind=COPY_KIND, tenant_id=desk.northwind)
    files = bundle.read(content).files
    for name in (COPY_FILE, EVIDENCE_FILE):
        assert [each for each in digests if each[:16].encode() in files[name]] == [], name
    if profile == "customer":
        named = [document["incident"]["id"], *(each["id"] for each in document["changes"])]
        assert len(named) == 3
        # Receipts are encoded within their envelopes.
        said = [*files.values(), *(base64.b64decode(each) for each in _payloads(files))]
        assert len(said) > len(files)
        assert [each for each in named if any(each.encode() in text for text in said)] == []


def _payloads(files: Mapping[str, bytes]) -> list[str]:
    """Of every envelope in a bundle, whatever file it stands in."""
    found = [re.findall(rb'"payload":\s*"([A-Za-z0-9+/=]+)"', each) for each in files.values()]
    return [each.decode() for some in found for each in some]


async def test_a_line_is_named_by_when_it_was_and_what_it_is(vendor):
    """The same however often it is gathered, and two of one kind at one moment apart."""
    desk = await desk_of(vendor)
    await desk.vendor.tell(updated("INC-1", "note", minute=3, text="So do the pagers.") | {"id": "another"})
    postmortem = await desk.postmortem()
    gathered = [
        (await desk.house.postmortem_reader.find(desk.owner, postmortem.id)).document["timeline"]
        for _ in range(2)
    ]
    assert [[each["id"] for each in lines] for lines in gathered] == [
        [
            "2026-06-01T09:00:00Z/declared/1",
            "2026-06-01T09:03:00Z/note/1",
            "2026-06-01T09:03:00Z/note/2",
            "2026-06-01T09:09:00Z/told_customer/1",
            "2026-06-01T09:30:00Z/mitigated/1",
            "2026-06-01T10:00:00Z/resolved/1",
        ]
    ] * 2
