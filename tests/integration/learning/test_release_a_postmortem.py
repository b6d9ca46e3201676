"""A customer's copy: released on record, told, verified offline; shown more of it later; never shown another's."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from evidence_sample import policy_of
from sla_bundle import signed_again
from sqlalchemy import text
from support.learning_world import declared, step, updated
from support.postmortem_desk import WRITTEN, Desk, actor_of, deployed, desk_of

from trust_portal.access.actors import CONSOLE
from trust_portal.cli import cli
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence import bundle
from trust_portal.evidence.disclosure import Disclosure, reveal
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical, digest, sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.lint import LintCode
from trust_portal.learning.postmortems.model import (
    COPY_FILE,
    COPY_KIND,
    EVIDENCE_FILE,
    PROFILE_FILE,
    Acknowledgement,
    Disclose,
    Release,
    Reopen,
    Written,
)
from trust_portal.learning.postmortems.profiles import profile_of
from trust_portal.learning.postmortems.redaction import OF_A_CHANGE, OF_ITS_EVIDENCE
from trust_portal.learning.recompute import RECOMPUTERS
from trust_portal.learning.verification import KINDS
from trust_portal.notify.topics import Topic
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=40)


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


async def released(desk: Desk, postmortem, **changes):
    said = {
        "postmortem_id": postmortem.id,
        "version": postmortem.version,
        "customer_id": desk.northwind,
        "profile": "customer",
        "reason": "As we promised on the phone.",
    } | changes
    release = await desk.house.postmortem_releases.release(Release(**said), desk.owner)
    assert await desk.house.postmortem_copies.issue(release.id)
    return release


async def concealed(desk: Desk, release):
    return (await desk.house.postmortem_releases.concealed(desk.owner, [release]))[release.id]


async def let_stand(desk: Desk, release, *places: str) -> tuple[Acknowledgement, ...]:
    offered = await concealed(desk, release)
    return tuple(
        Acknowledgement(warned.id, "They know them.") for place in places for warned in offered[place]
    )


async def told_of_a_release(desk: Desk, tenant_id):
    async with desk.house.storage.read(TenantScope(tenant_id)) as session:
        query = text(
            "SELECT path, facts, audience FROM notifications WHERE tenant_id = :t AND topic = :topic"
        )
        found = await session.execute(query, {"t": tenant_id, "topic": Topic.POSTMORTEM_RELEASED.value})
        return found.all()


async def verdict_of(desk: Desk, release, **more):
    content = await desk.bundle(release.id, release.revision, kind=COPY_KIND, tenant_id=release.customer_id)
    policy = await desk.policy(release.customer_id)
    return content, verify(content, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS, **more)


async def statement_in(desk: Desk, receipt_id) -> Statement:
    """What a receipt in our log says."""
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, receipt_id)
    return Statement.parse(Envelope.parse(receipt.envelope).payload)


async def kinds_in(desk: Desk, tenant_id) -> list[ReceiptKind]:
    page = await desk.house.archive.receipts(desk.reviewer, tenant_id, PageRequest(size=50))
    return [each.kind for each in page.items]


async def test_the_copy_verifies_and_names_no_other_customer(desk):
    signed = await desk.signed(await desk.postmortem())
    release = await released(desk, signed)
    content, verdict = await verdict_of(desk, release)
    assert verdict.ok, verdict.findings
    assert verdict.subject.tenant == "northwind"
    files = bundle.read(content).files
    copy = json.loads(files["postmortem-copy.json"])
    assert copy["original"]["sha256"] == signed.versions[0].sha256
    for name in ("postmortem-copy.json", "evidence.csv", "postmortem-copy.pdf"):
        assert b"ontoso" not in files[name], name
        assert b"We look at the exports." not in files[name], name
    assert [each.get("text") for each in copy["document"]["timeline"] if each["kind"] == "note"] == [None]
    assert "disclosures/postmortem-copy.json" not in files

    reader = actor_of(await desk.vendor.person("Carla Vento", Role.CUSTOMER_VIEWER, tenant_id=desk.northwind))
    broken = (await desk.house.archive.broken_example(reader, desk.northwind)).content
    policy = await desk.policy(desk.northwind)
    refused = verify(broken, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)
    assert (Code.DIGEST_MISMATCH, "postmortem-copy.json") in {
        (each.code, each.file) for each in refused.findings
    }


async def test_the_release_is_in_our_log_and_the_copy_in_the_customers(desk):
    signed = await desk.signed(await desk.postmortem())
    release = await released(desk, signed)
    assert (await kinds_in(desk, desk.northwind)).count(ReceiptKind.POSTMORTEM_COPY_ISSUED) == 1
    assert ReceiptKind.POSTMORTEM_COPY_ISSUED not in await kinds_in(desk, desk.contoso)
    assert not await desk.house.postmortem_copies.issue(release.id), "again it changes nothing"
    assert (await kinds_in(desk, desk.northwind)).count(ReceiptKind.POSTMORTEM_COPY_ISSUED) == 1


async def test_the_customer_is_told_and_reads_it_and_the_other_does_not(desk):
    reader = actor_of(await desk.vendor.person("Carla Vento", Role.CUSTOMER_VIEWER, tenant_id=desk.northwind))
    other = actor_of(await desk.vendor.person("Otto Klein", Role.CUSTOMER_ADMIN, tenant_id=desk.contoso))
    release = await released(desk, await desk.signed(await desk.postmortem()))
    (copy,) = await desk.house.postmortem_copies.list(reader, desk.northwind)
    assert copy.copy.id == release.id
    opened = await desk.house.postmortem_copies.find(reader, desk.northwind, release.id)
    assert sorted(opened.document["customers"]) == ["northwind"]
    assert await desk.house.postmortem_copies.list(other, desk.contoso) == ()
    (told,) = await told_of_a_release(desk, desk.northwind)
    assert (told.path, told.facts["sha256"]) == (f"/t/northwind/postmortems/{release.id}", release.sha256)
    assert set(told.audience["roles"]) == {"customer_admin", "customer_viewer"}
    assert await told_of_a_release(desk, desk.contoso) == []
    assert not await desk.house.postmortem_copies.issue(release.id)
    assert len(await told_of_a_release(desk, desk.northwind)) == 1, "once"
    with pytest.raises(NotFound):
        await desk.house.postmortem_copies.find(other, desk.contoso, release.id)
    with pytest.raises(NotFound):
        await desk.house.postmortem_copies.list(other, desk.northwind)


async def test_what_is_disclosed_later_is_shown_and_verifies(desk):
    signed = await desk.signed(await desk.postmortem())
    first = await released(desk, signed)
    second = await desk.house.postmortem_releases.disclose(
        Disclose(
            first.id,
            ("incident.owner",),
            "They asked who to call.",
            await let_stand(desk, first, "incident.owner"),
        ),
        desk.owner,
    )
    assert await desk.house.postmortem_copies.issue(second.id)
    _content, verdict = await verdict_of(desk, second)
    assert verdict.ok, verdict.findings
    assert (
        "1 withheld field(s) of postmortem-copy.json are disclosed, and are what was signed" in verdict.proved
    )
    opened = await desk.house.postmortem_copies.find(desk.owner, desk.northwind, second.id)
    assert opened.document["incident"]["owner"] == "ivo@vendor.example"
    assert "team" not in opened.document["incident"]
    assert second.sha256 == first.sha256, "the copy itself stays the same"


async def test_every_withheld_field_handed_over_beside_the_bundle_verifies(desk):
    signed = await desk.signed(await desk.postmortem())
    release = await released(desk, signed)
    content, _ = await verdict_of(desk, release)
    policy = await desk.policy(desk.northwind)
    for place, encoded in release.withheld.items():
        verdict = verify(
            content, policy=policy, kinds=KINDS, disclosed={place: json.dumps([encoded]).encode()}
        )
        assert verdict.ok, (place, verdict.findings)
    everything = json.dumps(list(release.withheld.values())).encode()
    verdict = verify(content, policy=policy, kinds=KINDS, disclosed={"all": everything})
    assert verdict.ok, verdict.findings
    original = signed.versions[0].sha256
    assert (
        f"with everything disclosed the copy is the signed document, byte for byte: SHA-256 {original}"
        in verdict.proved
    )


async def test_the_command_verifies_what_was_disclosed_and_refuses_what_is_false_with_its_code(
    desk, tmp_path
):
    release = await released(desk, await desk.signed(await desk.postmortem()))
    content, _ = await verdict_of(desk, release)
    owner, authors = release.withheld["incident.owner"], release.withheld["authors"]
    false = Disclosure.make("owner", "Somebody Else", "AAAAAAAAAAAAAAAAAAAAAA").encoded
    handed = {
        "owner.json": [owner],
        "authors.json": [authors],
        "false.json": [false],
        "twice.json": [owner] * 2,
    }
    for name, disclosures in handed.items():
        (tmp_path / name).write_text(json.dumps(disclosures))
    (tmp_path / "copy.zip").write_bytes(content)
    (tmp_path / "policy.txt").write_text(await desk.house.archive.trust_policy(desk.owner, desk.northwind))

    def run(*names: str) -> tuple[int, dict]:
        disclosed = [argument for name in names for argument in ("--disclosed", str(tmp_path / name))]
        pinned = ["--policy", str(tmp_path / "policy.txt"), "--json"]
        done = CliRunner().invoke(cli, ["verify", str(tmp_path / "copy.zip"), *pinned, *disclosed])
        return done.exit_code, json.loads(done.stdout)

    status, verdict = run("owner.json", "authors.json")
    assert (status, verdict["ok"], verdict["findings"]) == (0, True, [])
    said = "2 withheld field(s) of postmortem-copy.json are disclosed, and are what was signed"
    assert said in verdict["proved"]
    for names, code in (
        (("false.json",), "UNREFERENCED_DISCLOSURE"),
        (("twice.json",), "FALSE_DISCLOSURE"),
        (("owner.json", "false.json"), "UNREFERENCED_DISCLOSURE"),
    ):
        status, verdict = run(*names)
        assert (status, verdict["ok"]) == (1, False), names
        found = [(each["code"], each["file"]) for each in verdict["findings"]]
        assert found == [(code, f"--disclosed {names[-1]}")]
        assert not any("are disclosed" in each for each in verdict["proved"])
    status, verdict = run("nowhere.json")
    assert (status, [each["code"] for each in verdict["findings"]]) == (2, ["FILE_UNREADABLE"])


async def test_a_false_disclosure_is_refused_with_its_own_code(desk):
    release = await released(desk, await desk.signed(await desk.postmortem()))
    content, _ = await verdict_of(desk, release)
    policy = await desk.policy(desk.northwind)
    false = Disclosure.make("owner", "Somebody Else", "AAAAAAAAAAAAAAAAAAAAAA").encoded
    twice = [release.withheld["incident.owner"]] * 2
    for handed, code in (
        ([false], Code.UNREFERENCED_DISCLOSURE),
        (twice, Code.FALSE_DISCLOSURE),
        (["no disclosure"], Code.FALSE_DISCLOSURE),
        ("no list", Code.FALSE_DISCLOSURE),
    ):
        verdict = verify(
            content, policy=policy, kinds=KINDS, disclosed={"f.json": json.dumps(handed).encode()}
        )
        assert verdict.codes == {code}, handed
        assert {each.file for each in verdict.findings} == {"f.json"}


def _of_another_version(copy):
    copy["original"]["version"] = "2"
    copy["document"]["postmortem"]["version"] = "2"


#: What a vendor with its own keys might change in a copy, and the field that gives it away.
LIES = {
    "predicate.result.original": lambda copy: copy["original"].update(sha256="0" * 64),
    "predicate.result.postmortem": lambda copy: copy["original"].update(postmortem=str(VENDOR_ID)),
    "predicate.result.version": _of_another_version,
    "predicate.result.profile": lambda copy: copy["profile"].update(sha256="0" * 64),
    "document.postmortem": lambda copy: copy["document"]["postmortem"].update(version="2"),
    "customer.id": lambda copy: copy["customer"].update(id=str(VENDOR_ID)),
    "predicate.result.tenant": lambda copy: copy["customer"].update(key="contoso"),
    "format": lambda copy: copy.update(format="another"),
}


async def test_a_vendor_that_signs_a_changed_copy_again_is_found_out(desk):
    """Nothing cryptographic is wrong with it: only what the receipts behind it say, and what it holds itself."""
    release = await released(desk, await desk.signed(await desk.postmortem()))
    content, _ = await verdict_of(desk, release)
    files = dict(bundle.read(content).files)

    def verdict(changed):
        again, log = signed_again(changed, desk.house.keyring)
        policy = policy_of(log.receipts, log.checkpoints)
        return verify(bundle.build(again), policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)

    assert verdict(files).ok
    for field, change in LIES.items():
        copy = json.loads(files[COPY_FILE])
        change(copy)
        found = verdict({**files, COPY_FILE: canonical(copy)})
        assert Code.NOT_ATTESTED in found.codes, field
        assert field in {each.field for each in found.findings}, (field, found.findings)
    kinder = {**files, PROFILE_FILE: files[PROFILE_FILE] + b"\n"}
    assert [(each.code, each.file) for each in verdict(kinder).findings] == [
        (Code.NOT_ATTESTED, PROFILE_FILE)
    ]
    for name, data in files.items():
        if name.startswith("receipts/") and name.endswith(".dsse.json"):
            without = {each: value for each, value in files.items() if each != name}
            assert Code.NOT_ATTESTED in verdict(without).codes, data

    lines = files[EVIDENCE_FILE].splitlines(keepends=True)
    found = verdict({**files, EVIDENCE_FILE: b"".join(lines[:-1])})
    assert [(each.code, each.file) for each in found.findings] == [(Code.RECOMPUTE_MISMATCH, EVIDENCE_FILE)]


async def test_warnings_are_mended_or_acknowledged_with_a_reason(desk):
    words = Written(**(WRITTEN.json() | {"risks": "Wera Lind may forget to do it again."}))
    signed = await desk.signed(await desk.postmortem(), words)
    releases = desk.house.postmortem_releases
    preview = await releases.preview(desk.owner, signed.id, desk.northwind, "customer")
    assert {(each.code.value, each.words) for each in preview.warnings} == {("PERSON", "Wera Lind")}
    with pytest.raises(InvalidInput) as refused:
        await released(desk, signed)
    assert refused.value.code == "WARNINGS"
    assert await releases.of_postmortem(desk.owner, signed.id) == ()
    (warning,) = preview.warnings
    release = await released(
        desk, signed, acknowledged=(Acknowledgement(warning.id, "She agreed to be named."),)
    )
    assert release.acknowledged == {warning.id: "She agreed to be named."}
    assert warning.id == digest(["PERSON", warning.place, "Wera Lind"])[:16], "whoever has the copy finds it"
    said = (await statement_in(desk, release.receipt_id)).predicate["result"]
    assert said["acknowledged"] == {warning.id: "She agreed to be named."}


async def test_a_copy_that_names_somebody_of_another_customer_is_warned_of_and_ones_own_people_are_not(desk):
    await desk.vendor.person("Tomasz Wilk", tenant_id=desk.contoso)
    await desk.vendor.person("Nora Berg", tenant_id=desk.northwind)
    words = Written(**(WRITTEN.json() | {"risks": "Tomasz Wilk saw it first, Nora Berg told us."}))
    signed = await desk.signed(await desk.postmortem(), words)
    releases = desk.house.postmortem_releases

    async def warned(customer):
        found = (await releases.preview(desk.owner, signed.id, customer, "customer")).warnings
        return {(each.code.value, each.words) for each in found}

    assert await warned(desk.northwind) == {("PERSON", "Tomasz Wilk")}
    assert await warned(desk.contoso) == {("PERSON", "Nora Berg")}
    with pytest.raises(InvalidInput, match="Tomasz Wilk") as refused:
        await released(desk, signed)
    assert refused.value.code == "WARNINGS"
    assert await releases.of_postmortem(desk.owner, signed.id) == ()


async def test_the_receipt_of_a_release_says_what_was_given_to_whom_by_whom_and_why(desk):
    signed = await desk.signed(await desk.postmortem())
    release = await released(desk, signed)
    statement = await statement_in(desk, release.receipt_id)
    async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
        signature = await find_receipt(session, VENDOR_ID, signed.versions[0].receipt_id)
    profile = profile_of("customer")
    assert statement.predicate["result"] == {
        "release": str(release.id),
        "postmortem": str(signed.id),
        "version": "1",
        "customer": str(desk.northwind),
        "revision": "1",
        "original": signed.versions[0].sha256,
        "copy": release.sha256,
        "profile": {"id": "customer", "sha256": profile.sha256},
        "withheld": str(len(release.withheld)),
        "disclosed": [],
        "acknowledged": {},
    }
    assert len(release.withheld) > 0
    assert [(each.name, each.sha256) for each in statement.subjects] == [(COPY_FILE, release.sha256)]
    assert release.sha256 == sha256_hex(release.document)
    assert statement.predicate["rationale"] == "As we promised on the phone."
    assert statement.predicate["at"] == rfc3339(release.at)
    actor = statement.predicate["actor"]
    assert (actor["kind"], actor["id"], actor["name"]) == ("person", str(desk.owner.id), "Ivo Stern")
    assert statement.predicate["inputs"] == [
        {"name": f"receipt/{signature.id}", "digest": {"sha256": signature.sha256}}
    ]

    shown = await desk.house.postmortem_releases.disclose(
        Disclose(
            release.id,
            ("incident.owner",),
            "They asked who to call.",
            await let_stand(desk, release, "incident.owner"),
        ),
        desk.owner,
    )
    (owner_named,) = (await concealed(desk, release))["incident.owner"]
    later = (await statement_in(desk, shown.receipt_id)).predicate
    assert later["result"] == statement.predicate["result"] | {
        "release": str(shown.id),
        "revision": "2",
        "withheld": str(len(release.withheld) - 1),
        "disclosed": ["incident.owner"],
        "acknowledged": {owner_named.id: "They know them."},
    }
    assert later["rationale"] == "They asked who to call."


async def test_only_who_may_releases_and_only_to_whom_it_touched(desk):
    signed = await desk.signed(await desk.postmortem())
    command = Release(signed.id, 1, desk.northwind, "customer", "So it is.")
    with pytest.raises(Denied):
        await desk.house.postmortem_releases.release(command, desk.writer)
    stranger = await desk.vendor.customer("fabrikam")
    with pytest.raises(InvalidInput) as refused:
        await released(desk, signed, customer_id=stranger)
    assert refused.value.code == "NOT_AFFECTED"
    assert await desk.house.postmortem_releases.of_postmortem(desk.owner, signed.id) == ()


async def test_a_draft_is_not_released(desk):
    postmortem = await desk.postmortem()
    with pytest.raises(Conflict) as refused:
        await released(desk, postmortem)
    assert refused.value.code == "UNSIGNED"


async def test_the_same_version_is_released_once_and_the_next_one_again(desk):
    signed = await desk.signed(await desk.postmortem())
    first = await released(desk, signed)
    with pytest.raises(Conflict) as refused:
        await released(desk, signed)
    assert refused.value.code == "ALREADY_RELEASED"
    reopened = await desk.house.postmortem_signing.reopen(Reopen(signed.id, "Late evidence."), desk.owner)
    again = await desk.signed(reopened, Written(**(WRITTEN.json() | {"risks": "It may recur."})))
    second = await released(desk, again)
    assert (first.version, second.version) == (1, 2)
    opened = await desk.house.postmortem_copies.find(desk.owner, desk.northwind, first.id)
    assert opened.newer is not None
    assert opened.newer.version == 2


async def test_neither_what_is_not_withheld_nor_what_is_another_customers_can_be_disclosed(desk):
    release = await released(desk, await desk.signed(await desk.postmortem()))
    own = f"customers.{release.customer['key']}."
    (another,) = (
        place for place in release.withheld if place.startswith("customers.") and not place.startswith(own)
    )
    offered = await concealed(desk, release)
    assert another not in offered
    assert any(place.startswith(own) for place in offered)
    for place in ("incident.title", another):
        with pytest.raises(InvalidInput) as refused:
            await desk.house.postmortem_releases.disclose(
                Disclose(release.id, ("incident.owner", place), "They asked."), desk.owner
            )
        assert refused.value.code == "NOT_WITHHELD"
    (known,) = await desk.house.postmortem_releases.of_postmortem(desk.owner, release.postmortem_id)
    assert known.disclosed == ()


async def test_what_is_shown_later_is_looked_through_like_what_is_released(vendor):
    """A note among ourselves with a name, a password and a host."""
    note = "Ivo Stern logged in on db-7.internal with password: hunter22"
    desk = await desk_of(
        vendor,
        declared("INC-1", tenants=["northwind"]),
        updated("INC-1", "note", minute=3, text=note),
        updated("INC-1", "note", minute=4, text="We look at the exports."),
        step("INC-1", "resolved", minute=60),
    )
    release = await released(desk, await desk.signed(await desk.postmortem()))
    document = reveal(json.loads(release.document), release.withheld.values()).value["document"]
    risky, plain = (
        next(f"timeline.{at}.text" for at, each in enumerate(document["timeline"]) if each["text"] == text)
        for text in (note, "We look at the exports.")
    )
    offered = await concealed(desk, release)
    assert {each.code for each in offered[risky]} == {LintCode.PERSON, LintCode.HOST, LintCode.SECRET}
    assert offered[plain] == ()
    releases = desk.house.postmortem_releases
    said = await let_stand(desk, release, risky)
    for acknowledged in ((), said[:-1]):
        with pytest.raises(InvalidInput) as refused:
            await releases.disclose(
                Disclose(release.id, (plain, risky), "They asked.", acknowledged), desk.owner
            )
        assert (refused.value.code, refused.value.field) == ("WARNINGS", "acknowledged")
    (known,) = await releases.of_postmortem(desk.owner, release.postmortem_id)
    assert known == release
    shown = await releases.disclose(Disclose(release.id, (plain,), "They asked."), desk.owner)
    assert shown.acknowledged == {}
    shown = await releases.disclose(Disclose(release.id, (risky,), "They asked.", said), desk.owner)
    assert shown.acknowledged == {each.warning: "They know them." for each in said}


async def test_no_place_is_disclosed_whose_value_names_another_customer(vendor):
    """A deploy for one of them, and what people wrote: also of who has left since, and of who was not touched."""
    gone = await vendor.customer("fabrikam")
    desk = await desk_of(
        vendor,
        deployed(-40, tenants=["contoso"]),
        deployed(-30, tenants=["northwind"]),
        deployed(-20, tenants=["contoso", "northwind"]),
        declared("INC-1", tenants=["contoso", "northwind"]),
        updated("INC-1", "note", minute=3, text="We look at the exports."),
        updated("INC-1", "note", minute=4, text="The same as at Contoso, we think."),
        updated("INC-1", "note", minute=5, text="FABRIKAM had it too."),
        step("INC-1", "resolved", minute=60),
    )
    await desk.house.tenants.offboard(gone, CONSOLE)
    release = await released(desk, await desk.signed(await desk.postmortem()))
    document = reveal(json.loads(release.document), release.withheld.values()).value["document"]
    tenants = {f"changes.{at}.tenants": each["tenants"] for at, each in enumerate(document["changes"])}
    notes = {f"timeline.{at}.text": each["text"] for at, each in enumerate(document["timeline"])}
    offered = set(await concealed(desk, release))
    of_whom = {at: each["tenants"] for at, each in enumerate(document["changes"])}
    theirs = next(at for at, each in of_whom.items() if each == ["contoso"])
    assert f"changes.{theirs}.name" in release.withheld
    shown_of = {place.split(".")[1] for place in offered if place.startswith("changes.")}
    assert shown_of == {str(at) for at, each in of_whom.items() if "northwind" in each}, "nothing of theirs"
    assert [tenants[place] for place in sorted(tenants) if place in offered] == [["northwind"]]
    assert [notes[place] for place in sorted(notes) if place in offered] == ["We look at the exports."]

    of_another = [place for place, value in tenants.items() if "contoso" in value]
    of_another += [place for place, value in notes.items() if value[:3] in ("The", "FAB")]
    assert len(of_another) == 4
    of_another += [f"changes.{theirs}.{name}" for name in OF_A_CHANGE]
    (entry,) = (
        at for at, each in enumerate(document["evidence"]) if each["id"] == document["changes"][theirs]["id"]
    )
    of_another += [f"evidence.{entry}.{name}" for name in OF_ITS_EVIDENCE]
    assert offered.isdisjoint(of_another)
    assert len(
        [place for place in offered if place.endswith(".source") and place.startswith("evidence.")]
    ) == (len(document["evidence"]) - 1)
    assert set(of_another) <= release.withheld.keys()
    for place in of_another:
        with pytest.raises(InvalidInput) as refused:
            await desk.house.postmortem_releases.disclose(
                Disclose(release.id, ("incident.owner", place), "They asked."), desk.owner
            )
        assert (refused.value.code, refused.value.field) == ("NOT_WITHHELD", "fields")
    (known,) = await desk.house.postmortem_releases.of_postmortem(desk.owner, release.postmortem_id)
    assert known.disclosed == ()


async def test_a_customer_whose_key_has_dots_can_be_shown_its_own_and_nobody_elses(vendor):
    own, outer = await vendor.customer("acme.eu"), await vendor.customer("acme")
    desk = await desk_of(
        vendor,
        declared("INC-1", tenants=["acme", "acme.eu", "northwind"]),
        step("INC-1", "resolved", minute=60),
    )
    signed = await desk.signed(await desk.postmortem())
    releases = []
    for each in (own, outer):
        preview = await desk.house.postmortem_releases.preview(desk.owner, signed.id, each, "customer")
        let = tuple(Acknowledgement(warning.id, "Its own name.") for warning in preview.warnings)
        releases.append(await released(desk, signed, customer_id=each, acknowledged=let))
    offered = [
        [place for place in await concealed(desk, each) if place.startswith("customers.")]
        for each in releases
    ]
    assert offered == [['customers."acme.eu".denial'], ["customers.acme.denial"]]
    for each, (place,) in zip(releases, offered, strict=True):
        shown = await desk.house.postmortem_releases.disclose(
            Disclose(each.id, (place,), "They asked.", await let_stand(desk, each, place)), desk.owner
        )
        assert await desk.house.postmortem_copies.issue(shown.id)
        opened = await desk.house.postmortem_copies.find(desk.owner, each.customer_id, shown.id)
        assert opened.document["customers"].keys() - {"_sd"} == {each.customer["key"]}
        assert opened.document["customers"][each.customer["key"]]["denial"] == []
