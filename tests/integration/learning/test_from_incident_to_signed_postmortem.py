"""A P1 with its timeline and changes → draft → review → signed by passkey → a bundle that verifies offline."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from support.learning_world import declared, step, updated
from support.postmortem_desk import TRACKED, WRITTEN, Desk, desk_of, told

from schema.context import Context
from schema.ids import encode
from schema.root import schema
from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence import bundle
from trust_portal.evidence.assertion import NotThisStatement
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.acts_model import PlanAction
from trust_portal.learning.actions.model import ActionType
from trust_portal.learning.postmortems.asking import Asked
from trust_portal.learning.postmortems.model import (
    Accept,
    Judge,
    Judgment,
    Person,
    PostmortemState,
    Reopen,
    Return,
    SaveDraft,
    Sign,
    StepKind,
    Submit,
    Verdict,
    Written,
)
from trust_portal.learning.recompute import RECOMPUTERS
from trust_portal.learning.switchboard.board import LOOK_BACK
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.model import BoardFilter
from trust_portal.learning.verification import KINDS
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.web.views.postmortem.words import standing, who_signs

pytestmark = pytest.mark.takes(seconds=40)


@pytest.fixture
async def desk(vendor) -> Desk:
    return await desk_of(vendor)


def check(desk: Desk, content: bytes, policy, **more):
    return verify(content, policy=policy, kinds=KINDS, recomputers=RECOMPUTERS, **more)


async def test_it_is_gathered_live_while_it_is_written(desk):
    opened = await desk.house.postmortem_reader.find(desk.writer, (await desk.postmortem()).id)
    document = opened.document
    assert opened.postmortem.state is PostmortemState.DRAFT
    assert [(each["kind"], each["text"]) for each in document["timeline"]][1] == (
        "note",
        "We look at the exports.",
    )
    assert [(each["name"], each["verdict"], each["rule"]["id"]) for each in document["changes"]] == [
        ("api", "suspect", "SAME_SERVICE"),
        ("fast-exports", "cleared", "AFTER_BEGINNING"),
    ]
    assert sorted(document["customers"]) == ["contoso", "northwind"]
    assert document["customers"]["northwind"]["missing"] == [
        {"source": "SLA attainment", "why": "no contract is on record"},
        {"source": "cost anomalies", "why": "no usage of this customer is metered"},
    ]
    assert {each["id"] for each in document["timeline"]} < {each["id"] for each in document["evidence"]}


async def test_it_is_signed_and_its_bundle_verifies(desk):
    signed = await desk.signed(await desk.postmortem())
    assert (signed.state, [each.kind for each in signed.steps]) == (
        PostmortemState.SIGNED,
        [StepKind.OPENED, StepKind.SUBMITTED, StepKind.ACCEPTED, StepKind.SIGNED],
    )
    (version,) = signed.versions
    assert (version.number, version.signer.name, version.reviewer.name, version.action_count) == (
        1,
        "Ivo Stern",
        "Rui Alves",
        1,
    )
    content = await desk.bundle(signed.id)
    verdict = check(desk, content, await desk.policy())
    assert verdict.ok, verdict.findings
    assert any("postmortem.json is signed with a passkey by Ivo Stern" in each for each in verdict.proved)
    files = bundle.read(content).files
    document = json.loads(files["postmortem.json"])
    assert document["written"]["summary"] == "Exports **failed** for large accounts."
    assert files["evidence.csv"].startswith(b"customer,kind,at,source,sha256,id\r\n")
    assert files["postmortem.pdf"].startswith(b"%PDF-")


async def test_of_a_new_version_the_old_bundle_still_verifies_and_the_new_one_says_so(desk):
    first = await desk.signed(await desk.postmortem())
    old = await desk.bundle(first.id)
    reopened = await desk.house.postmortem_signing.reopen(
        Reopen(first.id, "A log was found that nobody had."), desk.owner
    )
    assert (reopened.state, reopened.version) == (PostmortemState.DRAFT, 2)
    second = await desk.signed(reopened, Written(**(WRITTEN.json() | {"risks": "It may recur."})))
    assert [(each.number, each.state, each.reason) for each in second.versions] == [
        (1, PostmortemState.SUPERSEDED, None),
        (2, PostmortemState.SIGNED, "A log was found that nobody had."),
    ]
    policy, new = await desk.policy(), await desk.bundle(second.id, 2)
    assert check(desk, old, policy).ok
    verdict = check(desk, new, policy, since=old)
    assert verdict.ok, verdict.findings
    before = second.versions[0].sha256
    assert f"version 2 supersedes version 1, SHA-256 {before}" in verdict.proved


async def test_the_bundle_of_an_old_version_is_made_anew_where_it_is_asked_for_and_the_old_one_stays(desk):
    """By the portal's service and by GraphQL, which are the same export."""
    first = await desk.signed(await desk.postmortem())
    old, policy = await desk.bundle(first.id), await desk.policy()
    renewing = desk.house.postmortem_bundles
    with pytest.raises(Conflict) as refused:
        await renewing.renew(desk.owner, first.id, 1)
    assert refused.value.code == "NOT_SUPERSEDED"
    reopened = await desk.house.postmortem_signing.reopen(Reopen(first.id, "A log was found."), desk.owner)
    second = await desk.signed(reopened, Written(**(WRITTEN.json() | {"risks": "It may recur."})))
    with pytest.raises(NotFound):
        await renewing.renew(desk.owner, first.id, 3)
    with pytest.raises(Denied):
        await renewing.renew(actor_with(Role.CSM), first.id, 1)
    assert (await desk.house.postmortem_reader.version(desk.owner, first.id, 1)).renewed is None

    asked = await renewing.renew(desk.owner, first.id, 1)
    answer = await schema.execute(
        "mutation ($id: ID!) { renewPostmortemBundle(input: {postmortemId: $id, version: 1})"
        " { export { id } userErrors { code } } }",
        variable_values={"id": encode("Postmortem", VENDOR_ID, first.id)},
        context_value=Context(desk.house, desk.owner),
    )
    assert answer.errors is None, answer.errors
    assert answer.data["renewPostmortemBundle"] == {
        "export": {"id": encode("Export", VENDOR_ID, asked.id)},
        "userErrors": [],
    }
    found = await desk.house.postmortem_reader.version(desk.owner, first.id, 1)
    assert found.renewed is not None
    assert found.export is not None
    assert found.renewed.id == asked.id != found.export.id

    new = await desk.bundle(second.versions[1].receipt_id, 1)
    said = f"version 1 is superseded by version 2, SHA-256 {second.versions[1].sha256}"
    verdict, before = check(desk, new, policy, since=old), check(desk, old, policy)
    assert verdict.ok, verdict.findings
    assert before.ok, before.findings
    assert any(each.startswith(said) for each in verdict.proved)
    assert not any("is superseded by" in each for each in before.proved)
    assert bundle.read(new).files["postmortem.json"] == bundle.read(old).files["postmortem.json"]
    assert await desk.bundle(first.id) == old, "what was handed out stays"


async def test_a_bundle_of_the_old_version_made_afterwards_verifies_and_says_what_superseded_it(desk):
    first = await desk.signed(await desk.postmortem())
    reopened = await desk.house.postmortem_signing.reopen(Reopen(first.id, "A log was found."), desk.owner)
    second = await desk.signed(reopened, Written(**(WRITTEN.json() | {"risks": "It may recur."})))
    answer = await schema.execute(
        "query ($id: ID!) { postmortem(id: $id) { versions { number state supersededByVersion sha256 } } }",
        variable_values={"id": encode("Postmortem", VENDOR_ID, first.id)},
        context_value=Context(desk.house, desk.owner),
    )
    assert answer.errors is None, answer.errors
    one, two = (each.sha256 for each in second.versions)
    assert answer.data["postmortem"]["versions"] == [
        {"number": 1, "state": "SUPERSEDED", "supersededByVersion": 2, "sha256": one},
        {"number": 2, "state": "SIGNED", "supersededByVersion": None, "sha256": two},
    ]
    old, policy = await desk.bundle(first.id, 1), await desk.policy()
    verdict = check(desk, old, policy)
    assert verdict.ok, verdict.findings
    assert json.loads(bundle.read(old).files["postmortem.json"])["postmortem"]["version"] == "1"
    assert (
        f"version 1 is superseded by version 2, SHA-256 {second.versions[1].sha256}: it was signed, and is no longer "
        "what counts"
    ) in verdict.proved
    again = await desk.bundle(first.id, 1)
    assert again == old


async def test_a_clock_that_cannot_begin_holds_up_no_other(vendor, monkeypatch, caplog):
    desk = await desk_of(vendor, declared("INC-1"), declared("INC-2"))
    first, second = [await desk.signed(await desk.postmortem(key)) for key in ("INC-1", "INC-2")]
    await vendor.tell(step("INC-1", "resolved", minute=60), step("INC-2", "resolved", minute=60))
    await vendor.register()
    shift, failures = WorkCalendar.shift, [InvalidInput("no calendar reaches beyond 2100", field="due")]

    def failing_once(self: WorkCalendar, day: date, days: int) -> date:
        if failures:
            raise failures.pop()
        return shift(self, day, days)

    monkeypatch.setattr(WorkCalendar, "shift", failing_once)
    assert await desk.house.action_clocks.round() == 1
    assert await desk.house.action_clocks.round() == 1
    assert await desk.house.action_clocks.round() == 0
    for each in (first, second):
        (action,) = await desk.house.prevention_reader.of_postmortem(desk.owner, each.id)
        assert [done.act.value for done in action.steps] == ["begin"]
    assert "could not begin" in caplog.text


async def test_nobody_reviews_what_they_wrote(desk):
    submitted = await desk.in_review(await desk.postmortem())
    with pytest.raises(Denied) as refused:
        await desk.house.postmortem_writing.accept(
            Accept(submitted.id, str(submitted.last.digest), "Fine."), desk.writer
        )
    assert refused.value.code == "OWN_TEXT"
    assert (await desk.again(submitted)).last.kind is StepKind.SUBMITTED


async def test_nobody_reviews_a_postmortem_in_which_they_planned_an_action(desk):
    postmortem = await desk.postmortem()
    command = PlanAction(postmortem.id, "Alarm earlier", ActionType.DETECT, desk.owner.id, 10, TRACKED)
    await desk.house.prevention_actions.plan(command, desk.reviewer)
    submitted = await desk.in_review(postmortem)
    with pytest.raises(Denied) as refused:
        await desk.house.postmortem_writing.accept(
            Accept(submitted.id, str(submitted.last.digest), "Fine."), desk.reviewer
        )
    assert refused.value.code == "OWN_TEXT"
    assert (await desk.again(submitted)).last.kind is StepKind.SUBMITTED
    opened = await desk.house.postmortem_reader.find(desk.writer, postmortem.id)
    assert [each["name"] for each in opened.document["authors"]] == ["Wera Lind", "Rui Alves"]


async def test_nobody_but_the_owner_signs(desk):
    accepted = await desk.accepted(await desk.postmortem())
    with pytest.raises(Denied):
        await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.writer)
    assert (await desk.again(accepted)).versions == ()


async def test_for_an_owner_who_holds_no_role_that_may_sign_any_incident_owner_does(vendor):
    desk = await desk_of(vendor, *told(owner="wera@vendor.example"))
    accepted = await desk.accepted(await desk.postmortem())
    opened = await desk.house.postmortem_reader.find(desk.writer, accepted.id)
    assert opened.asked == Asked(None, instead_of=Person(desk.writer.id, "Wera Lind"))
    assert standing(opened) == (
        "Reviewed by Rui Alves. Next, it is signed with a passkey by any incident owner: "
        "Wera Lind, who owns this one, holds no role that may sign."
    )
    signed = await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    assert [each.signer.name for each in signed.versions] == ["Ivo Stern"]


async def test_for_an_owner_who_is_suspended_any_incident_owner_signs_and_before_that_nobody_else(vendor):
    ada = await vendor.person("Ada Gone", Role.INCIDENT_OWNER)
    desk = await desk_of(vendor, *told(owner="ada@vendor.example"))
    accepted = await desk.accepted(await desk.postmortem())
    opened = await desk.house.postmortem_reader.find(desk.writer, accepted.id)
    assert who_signs(opened) == "Ada Gone, who owns the incident"
    with pytest.raises(Denied) as refused:
        await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    assert refused.value.code == "NOT_THE_OWNER"
    assert (await desk.again(accepted)).versions == ()

    await desk.house.people.suspend(CONSOLE, VENDOR_ID, ada.id)
    owned = (await desk.vendor.register())["INC-1"]
    desk.vendor.clock.advance(timedelta(minutes=1))
    await desk.vendor.tell(updated("INC-1", "note", minute=361))
    noted = (await desk.vendor.register())["INC-1"]
    assert (noted.facts, noted.owner_person_id) == (owned.facts + 1, ada.id)
    assert (await desk.house.incident_following.rebuild()).changed == 0

    opened = await desk.house.postmortem_reader.find(desk.writer, accepted.id)
    assert who_signs(opened) == "any incident owner: Ada Gone, who owns this one, is suspended"
    signed = await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    assert [each.signer.name for each in signed.versions] == ["Ivo Stern"]


async def test_without_a_passkey_nothing_is_signed(desk):
    accepted = await desk.accepted(await desk.postmortem())
    command = Sign(accepted.id, str(accepted.last.digest), "So it was.", None)
    with pytest.raises(InvalidInput) as refused:
        await desk.house.postmortem_signing.sign(command, desk.owner)
    assert refused.value.code == "PASSKEY_REQUIRED"
    assert (await desk.again(accepted)).last.kind is StepKind.ACCEPTED


@pytest.mark.parametrize("change", [{"version": 2}, {"digest": "0" * 64}, {"rationale": "Something else."}])
async def test_a_signature_over_anything_else_is_refused(desk, change):
    accepted = await desk.accepted(await desk.postmortem())
    command = await desk.sign_command(accepted, "So it was.", **change)
    with pytest.raises(NotThisStatement):
        await desk.house.postmortem_signing.sign(command, desk.owner)
    assert (await desk.again(accepted)).versions == ()


async def test_without_an_action_it_is_not_submitted(desk):
    postmortem = await desk.postmortem()
    await desk.house.postmortem_writing.save(SaveDraft(postmortem.id, 0, WRITTEN), desk.writer)
    with pytest.raises(InvalidInput) as refused:
        await desk.house.postmortem_writing.submit(Submit(postmortem.id, 1), desk.writer)
    assert refused.value.code == "ACTIONS_REQUIRED"
    assert (await desk.postmortem()).state is PostmortemState.DRAFT


async def test_with_the_signature_the_clock_of_its_actions_begins(desk):
    signed = await desk.signed(await desk.postmortem())
    (action,) = await desk.house.prevention_reader.of_postmortem(desk.owner, signed.id)
    assert str(action.due) == "2026-06-15"


async def test_other_actions_than_were_reviewed_are_not_signed(desk):
    accepted = await desk.accepted(await desk.postmortem())
    await desk.plan(accepted, "One more")
    with pytest.raises(Conflict) as refused:
        await desk.house.postmortem_signing.sign(await desk.sign_command(accepted), desk.owner)
    assert refused.value.code == "ACTIONS_CHANGED"
    assert (await desk.again(accepted)).versions == ()


async def test_an_edit_takes_it_back_from_review(desk):
    accepted = await desk.accepted(await desk.postmortem())
    await desk.house.postmortem_writing.save(SaveDraft(accepted.id, 1, WRITTEN), desk.writer)
    after = await desk.again(accepted)
    assert (after.state, after.last.kind, after.last.reason) == (
        PostmortemState.DRAFT,
        StepKind.RETURNED,
        "The text was edited.",
    )
    with pytest.raises(Conflict) as refused:
        await desk.house.postmortem_signing.sign(
            Sign(accepted.id, str(accepted.last.digest), "So it was.", None), desk.owner
        )
    assert refused.value.code == "WRONG_STATE"


async def test_of_two_who_save_at_once_one_is_told(desk):
    postmortem = await desk.postmortem()
    await desk.house.postmortem_writing.save(SaveDraft(postmortem.id, 0, WRITTEN), desk.writer)
    with pytest.raises(Conflict) as refused:
        await desk.house.postmortem_writing.save(SaveDraft(postmortem.id, 0, Written()), desk.reviewer)
    assert refused.value.code == "POSTMORTEM_CHANGED"
    opened = await desk.house.postmortem_reader.find(desk.writer, postmortem.id)
    assert opened.draft.written == WRITTEN


async def test_a_part_that_nobody_wrote_is_asked_for(desk):
    with pytest.raises(InvalidInput) as refused:
        await desk.in_review(await desk.postmortem(), Written(summary="Something.", impact="Something."))
    assert (refused.value.code, refused.value.field) == ("UNWRITTEN", "contributors")


async def test_a_person_judges_over_the_rule_and_is_named(desk):
    postmortem = await desk.postmortem()
    opened = await desk.house.postmortem_reader.find(desk.writer, postmortem.id)
    deploy = opened.document["changes"][0]["id"]
    judgment = Judgment(Verdict.CLEARED, "It was rolled back an hour before.")
    await desk.house.postmortem_writing.judge(Judge(postmortem.id, deploy, judgment), desk.writer)
    judged = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document["changes"][0]
    assert (judged["verdict"], judged["reason"], judged["judged_by"]["name"], judged["rule"]["verdict"]) == (
        "cleared",
        "It was rolled back an hour before.",
        "Wera Lind",
        "suspect",
    )
    with pytest.raises(InvalidInput):
        await desk.house.postmortem_writing.judge(Judge(postmortem.id, "elsewhere", judgment), desk.writer)


async def test_what_is_signed_is_not_edited_and_nothing_of_it_changes(desk):
    signed = await desk.signed(await desk.postmortem())

    async def everything() -> tuple:
        opened = await desk.house.postmortem_reader.find(desk.writer, signed.id)
        receipts = await desk.house.archive.receipts(desk.reviewer, VENDOR_ID, PageRequest(size=50))
        return opened.postmortem, opened.draft, opened.document, [each.id for each in receipts.items]

    before = await everything()
    assert before[0] == signed
    assert before[1].revision == 1
    deploy = before[2]["changes"][0]["id"]
    for edit in (
        desk.house.postmortem_writing.save(SaveDraft(signed.id, 1, WRITTEN), desk.writer),
        desk.house.postmortem_writing.judge(
            Judge(signed.id, deploy, Judgment(Verdict.CLEARED, "It was rolled back.")), desk.writer
        ),
    ):
        with pytest.raises(Conflict, match="begin a new version, and say why") as refused:
            await edit
        assert (refused.value.code, refused.value.field) == ("SIGNED", "postmortem_id")
        assert await everything() == before


async def test_a_returned_one_is_written_and_submitted_anew(desk):
    submitted = await desk.in_review(await desk.postmortem())
    returned = await desk.house.postmortem_writing.return_(
        Return(submitted.id, "What of the second customer?"), desk.reviewer
    )
    assert returned.state is PostmortemState.DRAFT
    again = await desk.house.postmortem_writing.submit(Submit(submitted.id, 1), desk.writer)
    assert again.last.ordinal == 3


async def test_another_document_than_the_signed_one_is_found_out(desk):
    signed = await desk.signed(await desk.postmortem())
    content = await desk.bundle(signed.id)
    files = dict(bundle.read(content).files)
    files["postmortem.json"] = files["postmortem.json"].replace(b"large accounts", b"small accounts")
    verdict = check(desk, bundle.build(files), await desk.policy())
    assert {Code.DIGEST_MISMATCH, Code.NOT_ATTESTED} <= verdict.codes


async def test_what_was_merged_into_it_after_the_signature_is_a_gap_until_another_version_is_signed(
    desk, clock
):
    async def coverage() -> tuple[dict[str, Cover], int]:
        board = await desk.house.switchboard.board(desk.owner, BoardFilter())
        return {each.name: each.cover for each in board.ledger.lines}, board.debt.unsigned

    signed = await desk.signed(await desk.postmortem())
    clock.advance(timedelta(days=2))
    await desk.vendor.tell(
        declared("INC-2", minute=1500), updated("INC-2", "merged", minute=1510, into="INC-1")
    )
    await desk.vendor.register()
    assert await coverage() == ({"Trouble INC-1": Cover.SIGNED, "Trouble INC-2": Cover.UNSIGNED}, 1)

    clock.advance(timedelta(minutes=1))
    reopened = await desk.house.postmortem_signing.reopen(
        Reopen(signed.id, "Another incident turned out to be this one."), desk.owner
    )
    await desk.signed(reopened, Written(**(WRITTEN.json() | {"risks": "It may recur."})))
    assert await coverage() == ({"Trouble INC-1": Cover.SIGNED, "Trouble INC-2": Cover.MERGED}, 0)


async def test_what_was_signed_long_ago_is_counted_and_listed_where_the_whole_ledger_is_asked_for(
    desk, clock
):
    await desk.signed(await desk.postmortem())
    clock.advance(LOOK_BACK + timedelta(days=1))
    switchboard = desk.house.switchboard

    counted = (await switchboard.board(desk.owner, BoardFilter())).ledger
    whole, _ = await switchboard.coverage(desk.owner)

    assert (len(counted.lines), counted.besides, counted.covered, counted.rate) == (0, 1, 1, 1)
    assert (len(whole.lines), whole.besides, whole.covered, whole.rate) == (1, 0, 1, 1)
