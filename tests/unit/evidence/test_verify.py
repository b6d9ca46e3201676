"""Every way to tamper with a bundle has its verdict."""

import json
import random

import pytest
from evidence_sample import (
    FOREIGN_KEY,
    LOG_KEY,
    ORIGIN,
    POLICY,
    RECEIPT_KEY,
    Log,
    edited_number,
    export,
    overlapping_exports,
    policy_of,
    report_files,
    two_exports,
)
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.evidence.bundle import build
from trust_portal.evidence.dsse import sign_envelope
from trust_portal.evidence.manifest import (
    CONSISTENCY,
    MANIFEST,
    MANIFEST_PROOF,
    MEANWHILE,
    MEANWHILE_HEAD,
    TreeHead,
    is_proof,
    manifest_subjects,
)
from trust_portal.evidence.merkle import leaf_hash
from trust_portal.evidence.note import NoteAlgorithm, NoteKey
from trust_portal.evidence.policy_file import Group, Span
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.verdict import Code, Mismatch
from trust_portal.evidence.verify import DocumentKind, verify

OLDER, NEWER = two_exports()
FILES = NEWER.files
NAMES = sorted(FILES)
CONTENT = [name for name in NAMES if not is_proof(name)]
PROOFS = [name for name in NAMES if is_proof(name)]


def verdict_of(files: dict[str, bytes], **asked: object):
    return verify(build(files), **({"policy": POLICY} | asked))


def codes_at(verdict, name: str) -> set[Code]:
    return {finding.code for finding in verdict.findings if finding.file == name}


def test_a_bundle_as_it_left_the_house_holds() -> None:
    verdict = verdict_of(FILES, since=OLDER.zip)
    assert verdict.findings == ()
    assert verdict.ok
    assert verdict.subject.kind == "letter"
    assert verdict.subject.tenant == "Acme GmbH"
    assert verdict.subject.period == "2026-06"
    assert verdict.subject.checkpoint is not None
    assert (verdict.subject.checkpoint.origin, verdict.subject.checkpoint.size) == (ORIGIN, 20)
    assert verdict.subject.key_ids == (RECEIPT_KEY.key_id,)
    assert "the log extends the older bundle's 8 entries unchanged" in verdict.proved
    assert any(line.startswith("No witness") for line in verdict.not_proved)
    assert any("1 redacted field(s) of receipts/01-" in line for line in verdict.not_proved)


def test_the_json_has_the_published_shape() -> None:
    found = json.loads(json.dumps(verdict_of(FILES).to_json()))
    assert set(found) == {"ok", "findings", "proved", "not_proved", "subject"}
    assert found["ok"] is True
    assert set(found["subject"]) >= {"kind", "tenant", "period", "checkpoint"}
    broken = verdict_of({**FILES, "report.csv": b""}).to_json()["findings"][0]
    assert set(broken) == {"code", "file", "field", "message", "next"}
    assert all(isinstance(broken[name], str) for name in broken)


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_in_any_file_is_found_in_that_file(name: str) -> None:
    content = FILES[name]
    expected = {Code.DIGEST_MISMATCH}
    if is_proof(name):
        expected = {Code.BAD_SIGNATURE, Code.UNKNOWN_KEY, Code.NOT_INCLUDED, Code.FORKED}
    sample = 150 if is_proof(name) else 12
    places = random.Random(name).sample(range(len(content)), min(sample, len(content)))
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        verdict = verdict_of({**FILES, name: bytes(flipped)})
        assert not verdict.ok, (name, place)
        # Damage in the manifest may also show where its digests no longer match.
        assert codes_at(verdict, name) & expected or name in {MANIFEST, MANIFEST_PROOF}, (name, place)
        assert verdict.codes & expected, (name, place)


@pytest.mark.parametrize("name", NAMES)
def test_a_dropped_file_is_missed(name: str) -> None:
    verdict = verdict_of({each: FILES[each] for each in NAMES if each != name})
    if name == MANIFEST:
        assert verdict.codes == {Code.NOT_A_BUNDLE}
    else:
        assert Code.FILE_MISSING in codes_at(verdict, name)


@pytest.mark.parametrize("name", NAMES)
def test_two_swapped_files_are_both_found(name: str) -> None:
    other = NAMES[(NAMES.index(name) + 1) % len(NAMES)]
    verdict = verdict_of({**FILES, name: FILES[other], other: FILES[name]})
    assert not verdict.ok
    for each in {name, other} - set(PROOFS):
        assert Code.DIGEST_MISMATCH in codes_at(verdict, each) or Code.BAD_SIGNATURE in verdict.codes


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "receipts/03-extra.dsse.json", "receipts/03-extra.tlog-proof", "keys/x.pem", "inputs/b.csv",
     "disclosures/03-extra.json", "consistency/other.proof"],
)  # fmt: skip
def test_an_added_file_is_extra(name: str) -> None:
    assert Code.FILE_EXTRA in codes_at(verdict_of({**FILES, name: b"{}"}), name)


def test_a_consistency_proof_nobody_announced_is_extra() -> None:
    verdict = verdict_of({**OLDER.files, CONSISTENCY: FILES[CONSISTENCY]})
    assert verdict.codes == {Code.FILE_EXTRA}


def test_an_edited_number_is_a_digest_mismatch() -> None:
    verdict = verdict_of({**FILES, "report.json": edited_number(FILES["report.json"])})
    assert verdict.codes == {Code.DIGEST_MISMATCH}
    assert codes_at(verdict, "report.json") == {Code.DIGEST_MISMATCH}
    assert all(finding.next for finding in verdict.findings)


def test_a_document_no_receipt_was_issued_for_is_found() -> None:
    verdict = verdict_of(export(Log(), issued_for="0" * 64).files)
    assert verdict.codes == codes_at(verdict, "report.json") == {Code.DIGEST_MISMATCH}
    assert "report.json is what a receipt in the bundle was issued for" in verdict_of(FILES).proved


def test_a_bundle_signed_again_by_somebody_else_has_an_unknown_key() -> None:
    forged = Log(receipts=FOREIGN_KEY, checkpoints=FOREIGN_KEY)
    forged.grow(5)
    files = export(forged, policy=policy_of(FOREIGN_KEY, FOREIGN_KEY)).files
    assert verdict_of(files).codes == {Code.UNKNOWN_KEY}
    assert verdict_of(files, policy=None, pinned=frozenset({RECEIPT_KEY.key_id})).codes == {Code.UNKNOWN_KEY}
    assert verdict_of(files, policy=None).codes == {Code.UNPINNED}


@pytest.mark.parametrize("role", ["receipts", "checkpoints"])
def test_one_foreign_key_is_enough_to_be_refused(role: str) -> None:
    log = Log(**{role: FOREIGN_KEY})
    log.grow(3)
    assert verdict_of(export(log).files).codes == {Code.UNKNOWN_KEY}


def test_a_foreign_signature_under_a_trusted_name_is_bad() -> None:
    log = Log()
    files = export(log).files
    swapped = json.loads(files[MANIFEST])
    other = json.loads(export(Log(receipts=FOREIGN_KEY)).files[MANIFEST])
    swapped["signatures"][0]["sig"] = other["signatures"][0]["sig"]
    verdict = verdict_of({**files, MANIFEST: json.dumps(swapped, separators=(",", ":")).encode()})
    assert verdict.codes == {Code.BAD_SIGNATURE}


def test_without_a_policy_the_verdict_is_unpinned_and_shows_the_fingerprint() -> None:
    verdict = verdict_of(FILES, policy=None)
    assert not verdict.ok
    assert verdict.codes == {Code.UNPINNED}
    assert RECEIPT_KEY.key_id in verdict.findings[0].message


def test_a_pinned_key_vouches_for_the_policy_its_manifest_digests() -> None:
    assert verdict_of(FILES, policy=None, pinned=frozenset({RECEIPT_KEY.key_id})).ok
    assert not verdict_of(FILES, policy=None, pinned=frozenset({LOG_KEY.key_id})).ok
    tampered = {**FILES, "policy.txt": policy_of(log=FOREIGN_KEY).text.encode()}
    verdict = verdict_of(tampered, policy=None, pinned=frozenset({RECEIPT_KEY.key_id}))
    assert verdict.codes == {Code.DIGEST_MISMATCH, Code.UNKNOWN_KEY}


def test_a_policy_from_outside_overrules_the_one_inside() -> None:
    inside = policy_of(FOREIGN_KEY, FOREIGN_KEY)
    log = Log()
    log.grow(2)
    assert verdict_of(export(log, policy=inside).files).ok


def test_every_byte_of_the_archive_counts() -> None:
    archive = NEWER.zip
    rng = random.Random(20260601)
    for place in {
        *rng.sample(range(len(archive)), 1500),
        *range(80),
        *range(len(archive) - 120, len(archive)),
    }:
        flipped = bytearray(archive)
        flipped[place] ^= 1 << rng.randrange(8)
        verdict = verify(bytes(flipped), policy=POLICY)
        assert not verdict.ok, place
        assert all(finding.next for finding in verdict.findings)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"not a zip" * 100, bytes(1000)])
def test_what_is_no_bundle_is_said_to_be_none(data: bytes) -> None:
    verdict = verify(data, policy=POLICY)
    assert verdict.codes == {Code.NOT_A_BUNDLE}
    assert verdict.proved == ()


def test_a_receipt_without_its_place_in_the_log_is_not_included() -> None:
    first, second = (name for name in PROOFS if name.startswith("receipts/"))
    verdict = verdict_of({**FILES, first: FILES[second]})
    assert codes_at(verdict, first) == {Code.NOT_INCLUDED}


def test_a_proof_under_an_older_checkpoint_is_not_included() -> None:
    name = "receipts/02-maintenance.recorded.tlog-proof"
    assert codes_at(verdict_of({**FILES, name: OLDER.files[name]}), name) == {Code.NOT_INCLUDED}


def test_a_manifest_that_was_never_logged_is_not_included() -> None:
    log = Log()
    log.grow(4)
    files = export(log).files
    other = Log()
    other.grow(9)
    stolen = other.proof(3, other.head())
    assert leaf_hash(b"") != leaf_hash(b"\x00")
    assert Code.NOT_INCLUDED in verdict_of({**files, MANIFEST_PROOF: str(stolen).encode()}).codes


def test_a_rewritten_history_is_a_fork() -> None:
    log = Log()
    log.grow(6)
    older = export(log)
    rewritten = Log()
    rewritten.record(ReceiptKind.TENANT_CREATED, Subject("x", "0" * 64), {"another": "history"})
    rewritten.grow(14)
    newer = export(rewritten, older.head)
    verdict = verdict_of(newer.files, since=older.zip)
    assert verdict.codes == {Code.FORKED}


def test_two_heads_of_one_size_are_a_fork() -> None:
    one, two = Log(), Log()
    one.grow(3)
    two.record(ReceiptKind.TENANT_CREATED, Subject("y", "1" * 64), {})
    two.grow(2)
    assert verdict_of(export(one).files, since=export(two).zip).codes == {Code.FORKED}


def test_a_manifest_that_invents_its_previous_head_is_a_fork() -> None:
    log = Log()
    log.grow(6)
    assert verdict_of(export(log, TreeHead(3, bytes(32))).files).codes == {Code.FORKED}


def test_the_older_bundle_in_place_of_the_newer_is_stale() -> None:
    assert Code.STALE in verdict_of(OLDER.files, since=NEWER.zip).codes


def test_a_bundle_that_continues_from_another_export_says_which_to_pass() -> None:
    log = Log()
    first = export(log)
    second = export(log, first.head)
    third = export(log, second.head)
    verdict = verdict_of(third.files, since=first.zip)
    assert verdict.codes == {Code.NO_CONSISTENCY_PROOF}
    assert verdict_of(third.files, since=second.zip).ok


def test_of_two_that_were_made_at_the_same_time_the_later_proves_growth_from_the_other() -> None:
    first, second = overlapping_exports()
    verdict = verdict_of(second.files, since=first.zip)
    assert verdict.findings == ()
    assert "the log extends the older bundle's 8 entries unchanged" in verdict.proved
    assert verdict_of(second.files).ok
    without = {name: each for name, each in second.files.items() if name not in {MEANWHILE, MEANWHILE_HEAD}}
    assert verdict_of(without).ok, "nobody announced them"
    assert verdict_of(without, since=first.zip).codes == {Code.NO_CONSISTENCY_PROOF}
    for name in (MEANWHILE, MEANWHILE_HEAD):
        lacking = verdict_of({each: data for each, data in second.files.items() if each != name})
        assert codes_at(lacking, name) == {Code.FILE_MISSING}
        content = second.files[name]
        for place in range(len(content)):
            flipped = bytearray(content)
            flipped[place] ^= 1 << (place % 8)
            assert not verdict_of({**second.files, name: bytes(flipped)}).ok, (name, place)


def test_a_head_of_another_history_that_is_said_to_be_of_meanwhile_is_a_fork() -> None:
    other = Log()
    other.record(ReceiptKind.TENANT_CREATED, Subject("y", "1" * 64), {})
    other.grow(3)
    log = Log()
    log.grow(9)
    forged = export(log, meanwhile=other.head())
    assert verdict_of(forged.files).codes == codes_at(verdict_of(forged.files), MEANWHILE) == {Code.FORKED}
    foreign = Log(checkpoints=FOREIGN_KEY)
    foreign.grow(4)
    by_somebody = verdict_of(export(log, meanwhile=foreign.head()).files)
    assert by_somebody.codes == codes_at(by_somebody, MEANWHILE_HEAD) == {Code.UNKNOWN_KEY}


def test_the_same_bundle_follows_itself() -> None:
    assert verdict_of(FILES, since=NEWER.zip).ok


def test_a_broken_older_bundle_is_not_a_base() -> None:
    verdict = verdict_of(FILES, since=build({**OLDER.files, "report.csv": b"x"}))
    assert [(each.code, each.file) for each in verdict.findings] == [
        (Code.DIGEST_MISMATCH, "--since: report.csv")
    ]


def test_a_key_is_judged_by_its_place_in_the_log() -> None:
    key_id = RECEIPT_KEY.key_id
    assert verdict_of(FILES, policy=policy_of(spans={key_id: Span(0, 20)})).ok
    retired = verdict_of(FILES, policy=policy_of(spans={key_id: Span(0, 19)}))
    assert [(each.code, each.file) for each in retired.findings] == [(Code.KEY_RETIRED_AT_INDEX, MANIFEST)]
    early = verdict_of(FILES, policy=policy_of(spans={key_id: Span(18, None)}))
    assert early.codes == {Code.KEY_RETIRED_AT_INDEX}
    assert {each.file for each in early.findings} == {"receipts/01-sla_report.issued.dsse.json"}


def test_a_retired_log_key_signs_no_larger_tree() -> None:
    assert verdict_of(FILES, policy=policy_of(spans={LOG_KEY.key_id: Span(0, 20)})).ok
    verdict = verdict_of(FILES, policy=policy_of(spans={LOG_KEY.key_id: Span(0, 19)}))
    assert codes_at(verdict, MANIFEST_PROOF) == {Code.KEY_RETIRED_AT_INDEX}


def test_a_policy_that_wants_witnesses_is_not_met_without_them() -> None:
    witness = NoteKey("witness.example", FOREIGN_KEY.verify_key, NoteAlgorithm.COSIGNATURE_V1)
    policy = policy_of(witnesses={"w": witness}, groups={"g": Group(1, ("w",))}, quorum="g")
    verdict = verdict_of(FILES, policy=policy)
    assert verdict.codes == {Code.NO_QUORUM}


def test_a_disclosure_of_another_value_is_unreferenced() -> None:
    log = Log()
    files = export(log, disclose=("owner", "cause")).files
    name = "disclosures/01-sla_report.issued.json"
    assert verdict_of(files).ok
    files = {**files, name: files[name].replace(b"W", b"X", 1)}
    assert codes_at(verdict_of(files), name) >= {Code.DIGEST_MISMATCH}
    assert codes_at(verdict_of(files), name) & {Code.UNREFERENCED_DISCLOSURE, Code.FALSE_DISCLOSURE}


@pytest.mark.parametrize(
    "people,holds",
    [
        (("ann", "bob"), True),
        (("ann", "ann"), False),
        (("ann", "req"), False),
        (("ann", None), False),
    ],
)
def test_one_person_fills_one_place(people: tuple[str | None, ...], holds: bool) -> None:
    decision = {"requester": {"person": "req"}, "approvals": [{"person": each} for each in people]}
    verdict = verdict_of(export(Log(), result=decision).files)
    assert verdict.codes == (set() if holds else {Code.SAME_APPROVER})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["approvals", "person", "requester", "_sd", "...", "kind", "previous", "size", "root"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_signed_gets_a_verdict_and_never_a_stack_trace(value) -> None:
    log = Log()
    files = export(log).files
    subjects = manifest_subjects(files)
    receipt, _ = log.record(ReceiptKind.SLA_REPORT_ISSUED, subjects[0], value)
    manifest, index = log.record(ReceiptKind.EXPORT_MANIFEST, subjects, value)
    name = "receipts/02-maintenance.recorded.dsse.json"
    files |= {MANIFEST: manifest.to_json(), MANIFEST_PROOF: str(log.proof(index, log.head())).encode()}
    assert not verdict_of({**files, name: receipt.to_json()}, policy=None, since=NEWER.zip).ok


def test_a_document_over_which_its_own_room_stumbles_is_not_attested() -> None:
    """Whose signature does not hold is read all the same, so that everything wrong with it is named."""

    def stumbles(files, _):
        return [json.loads(files["report.json"])["title"]]

    for kind in (
        DocumentKind(stumbles, proves="it was issued"),
        DocumentKind(lambda *_: (), proves="it was issued", tells=stumbles),
    ):
        verdict = verdict_of(FILES, kinds={"letter": kind})
        assert [(each.code, each.message) for each in verdict.findings] == [
            (Code.NOT_ATTESTED, "not what belongs here: KeyError('title')")
        ]
        assert "it was issued" not in verdict.proved


def test_a_bottomless_statement_is_malformed() -> None:
    envelope = sign_envelope(b'{"a":' * 5000 + b"1" + b"}" * 5000, RECEIPT_KEY)
    assert verdict_of({**FILES, MANIFEST: envelope.to_json()}).codes == {Code.BAD_SIGNATURE}


def test_recomputing_compares_strings() -> None:
    def agrees(files):
        assert files["inputs/measurements.csv"]
        return ()

    def differs(_):
        return (Mismatch("report.json", "slas[0].attained.percent", "99.912345", "99.000000"),)

    assert verdict_of(FILES, recomputers={"letter": agrees}).ok
    verdict = verdict_of(FILES, recomputers={"letter": differs})
    assert [(each.code, each.file, each.field) for each in verdict.findings] == [
        (Code.RECOMPUTE_MISMATCH, "report.json", "slas[0].attained.percent")
    ]
    assert verdict_of(FILES, recomputers={}).codes == {Code.NOT_RECOMPUTABLE}


def test_what_was_tampered_with_is_not_recomputed() -> None:
    def must_not_run(_):
        raise AssertionError

    tampered = {**FILES, "inputs/measurements.csv": b""}
    verdict = verdict_of(tampered, recomputers={"letter": must_not_run})
    assert verdict.codes == {Code.DIGEST_MISMATCH}


def test_sample_files_are_all_covered() -> None:
    assert set(report_files(POLICY)) <= set(CONTENT)
    assert len(PROOFS) == 5
