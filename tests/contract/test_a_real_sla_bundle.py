"""One SLA bundle as a customer gets it: verified, recomputed, tampered with in every file, read by others."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import securesystemslib.dsse
from click.testing import CliRunner
from evidence_sample import FOREIGN_KEY, Log, policy_of
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from sla_bundle import SlaBundles, signed_again
from support.verifier_alone import LOCK, unpacked, verifier_alone

from trust_portal.commands.verify import verify as verify_command
from trust_portal.evidence.bundle import build
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.manifest import CONSISTENCY, MANIFEST, MANIFEST_PROOF, is_proof
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Code, NotRecomputable, Verdict
from trust_portal.evidence.verifier_archive import verifier_archive
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.verification import KINDS

Judge = Callable[..., Verdict]


@pytest.fixture
def files(sla_bundles: SlaBundles) -> dict[str, bytes]:
    return sla_bundles.files


@pytest.fixture
def judge(files: dict[str, bytes]) -> Judge:
    """The verdict on changed files, by the policy a customer pinned."""
    policy = Policy.parse(files["policy.txt"])

    def judged(changed: dict[str, bytes], **asked: object) -> Verdict:
        return verify(build(changed), **({"policy": policy} | asked))  # type: ignore[arg-type]

    return judged


def codes_at(verdict: Verdict, name: str) -> set[Code]:
    return {each.code for each in verdict.findings if each.file == name}


def test_it_holds_everything_a_customer_needs(files: dict[str, bytes], sla_bundles: SlaBundles) -> None:
    assert {
        MANIFEST,
        MANIFEST_PROOF,
        CONSISTENCY,
        "report.json",
        "report.csv",
        "report.pdf",
        "inputs/contract.yaml",
        "inputs/measurements.csv",
        "inputs/exclusions.json",
        "policy.txt",
        "VERIFY.md",
        "verify.html",
        f"keys/{sla_bundles.keyring.receipts.key_id}.pem",
    } <= set(files)
    assert sum(name.startswith("receipts/") and name.endswith(".dsse.json") for name in files) == 4
    body = json.loads(files["report.json"])
    assert body["objectives"][0]["adjusted"]["down_minutes"] == "7", "ten, four excluded, one corrected"


def test_the_command_verifies_and_recomputes_it(sla_bundles: SlaBundles, tmp_path: Path) -> None:
    (tmp_path / "older.zip").write_bytes(sla_bundles.older)
    (tmp_path / "newer.zip").write_bytes(sla_bundles.newer)
    (tmp_path / "policy.txt").write_bytes(sla_bundles.files["policy.txt"])
    asked = [str(tmp_path / "newer.zip"), "--policy", str(tmp_path / "policy.txt"), "--recompute", "--json"]
    done = CliRunner().invoke(verify_command, [*asked, "--since", str(tmp_path / "older.zip")])
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["ok"], answer["findings"]) == (0, True, [])
    assert "the figures follow from the bundle's own inputs, string for string" in answer["proved"]
    assert (answer["subject"]["kind"], answer["subject"]["tenant"]) == ("sla-report", "acme")


def test_the_packages_of_the_verifiers_own_lock_are_enough_to_recompute_it(
    sla_bundles: SlaBundles, tmp_path: Path
) -> None:
    (tmp_path / "newer.zip").write_bytes(sla_bundles.newer)
    (tmp_path / "policy.txt").write_bytes(sla_bundles.files["policy.txt"])
    done = verifier_alone(
        *("verify", tmp_path / "newer.zip", "--policy", tmp_path / "policy.txt", "--recompute"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the figures follow from the bundle's own inputs, string for string" in done.stdout


def test_the_verifier_as_it_is_downloaded_recomputes_it(sla_bundles: SlaBundles, tmp_path: Path) -> None:
    (tmp_path / "newer.zip").write_bytes(sla_bundles.newer)
    (tmp_path / "policy.txt").write_bytes(sla_bundles.files["policy.txt"])
    folder = unpacked(verifier_archive(), tmp_path)
    assert {each.name for each in folder.iterdir()} == {"README.txt", "requirements.txt", "trust_portal"}
    assert (folder / "requirements.txt").read_bytes() == LOCK.read_bytes()
    done = verifier_alone(
        *("verify", tmp_path / "newer.zip", "--policy", tmp_path / "policy.txt", "--recompute"),
        folder=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the figures follow from the bundle's own inputs, string for string" in done.stdout


def test_made_a_second_time_it_is_the_same_bytes(sla_bundles: SlaBundles) -> None:
    assert sla_bundles.older_again == sla_bundles.older
    assert sla_bundles.newer_again == sla_bundles.newer
    assert sla_bundles.older != sla_bundles.newer


def test_a_flipped_bit_in_any_file_is_found_in_that_file(files: dict[str, bytes], judge: Judge) -> None:
    for name, content in files.items():
        expected = {Code.DIGEST_MISMATCH}
        if is_proof(name):
            expected = {Code.BAD_SIGNATURE, Code.UNKNOWN_KEY, Code.NOT_INCLUDED, Code.FORKED}
        for place in random.Random(name).sample(range(len(content)), 8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << (place % 8)
            verdict = judge({**files, name: bytes(flipped)})
            assert verdict.codes & expected, (name, place)
            assert codes_at(verdict, name) & expected or name in {MANIFEST, MANIFEST_PROOF}, (name, place)


def test_a_dropped_file_is_missed(files: dict[str, bytes], judge: Judge) -> None:
    for name in files:
        verdict = judge({each: data for each, data in files.items() if each != name})
        if name == MANIFEST:
            assert verdict.codes == {Code.NOT_A_BUNDLE}
        else:
            assert Code.FILE_MISSING in codes_at(verdict, name), name


def test_two_swapped_files_are_both_found(files: dict[str, bytes], judge: Judge) -> None:
    names = sorted(files)
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        verdict = judge({**files, name: files[other], other: files[name]})
        assert not verdict.ok
        for each in (each for each in (name, other) if not is_proof(each)):
            found = codes_at(verdict, each)
            assert Code.DIGEST_MISMATCH in found or Code.BAD_SIGNATURE in verdict.codes, (name, other)


@pytest.mark.parametrize(
    "name", ["notes.txt", "inputs/more.csv", "keys/x.pem", "receipts/x.dsse.json", "receipts/x.tlog-proof"]
)
def test_an_added_file_is_extra(files: dict[str, bytes], judge: Judge, name: str) -> None:
    assert Code.FILE_EXTRA in codes_at(judge({**files, name: b"{}"}), name)


def improved(data: bytes) -> bytes:
    body = json.loads(data)
    body["objectives"][0]["adjusted"]["percent"] = "99.999999"
    return canonical(body)


def test_an_edited_number_is_a_digest_mismatch(files: dict[str, bytes], judge: Judge) -> None:
    verdict = judge({**files, "report.json": improved(files["report.json"])}, recomputers=RECOMPUTERS)
    assert verdict.codes == codes_at(verdict, "report.json") == {Code.DIGEST_MISMATCH}


def test_a_figure_that_its_inputs_do_not_give_is_found_though_the_vendor_signed_it(
    files: dict[str, bytes], sla_bundles: SlaBundles
) -> None:
    keyring = sla_bundles.keyring
    for changed, field in (
        ({"report.json": improved(files["report.json"])}, "$.objectives[0].adjusted.percent"),
        (
            {
                "inputs/measurements.csv": files["inputs/measurements.csv"].replace(
                    b"T10:05:00Z,100,0", b"T10:05:00Z,100,100"
                )
            },
            "$.objectives[0].adjusted.down_minutes",
        ),
    ):
        assert changed.items() - files.items(), "something is edited"
        lie, log = signed_again({**files, **changed}, keyring)
        policy = policy_of(log.receipts, log.checkpoints)
        assert verify(build(lie), policy=policy).ok, "nothing cryptographic is wrong"
        verdict = verify(build(lie), policy=policy, recomputers=RECOMPUTERS)
        assert verdict.codes == {Code.RECOMPUTE_MISMATCH}
        assert {each.file for each in verdict.findings} - {"report.csv"} == {"report.json"}
        assert field in {each.field for each in verdict.findings}


def _without_its_receipt(files: dict[str, bytes]) -> dict[str, bytes]:
    issued = [
        name for name in files if name.endswith(".dsse.json") and _kind(files[name]) == "sla_report.issued"
    ]
    return {name: data for name, data in files.items() if name not in issued}


def _kind(envelope: bytes) -> str | None:
    return Statement.parse(Envelope.parse(envelope).payload).kind


def _twice_said(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"report.json": b'{"credit":null,' + files["report.json"][1:]}


def _easier_contract(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"inputs/contract.yaml": files["inputs/contract.yaml"].replace(b'"99.9"', b'"90.0"', 1)}


def _unrecorded_window(files: dict[str, bytes]) -> dict[str, bytes]:
    (window,) = json.loads(files["inputs/exclusions.json"])
    window["end"] = "2026-06-30T10:10:00Z"
    return files | {"inputs/exclusions.json": canonical([window])}


def _other_tables(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"report.csv": b"x\r\n"}


@pytest.mark.parametrize(
    ("forge", "file", "code"),
    [
        (_without_its_receipt, "report.json", Code.NOT_ATTESTED),
        (_twice_said, "report.json", Code.NOT_ATTESTED),
        (_easier_contract, "inputs/contract.yaml", Code.NOT_ATTESTED),
        (_unrecorded_window, "inputs/exclusions.json", Code.NOT_ATTESTED),
        (_other_tables, "report.csv", Code.RECOMPUTE_MISMATCH),
    ],
)
def test_a_bundle_the_vendor_signed_round_a_forged_document_is_found_without_recomputing(
    files: dict[str, bytes], sla_bundles: SlaBundles, forge: Callable, file: str, code: Code
) -> None:
    lie, log = signed_again(forge(files), sla_bundles.keyring)
    policy = policy_of(log.receipts, log.checkpoints)
    assert verify(build(lie), policy=policy).ok, "nothing cryptographic is wrong"
    verdict = verify(
        build(lie),
        policy=policy,
        kinds=KINDS,
        recomputers=RECOMPUTERS if code is Code.RECOMPUTE_MISMATCH else None,
    )
    assert code in codes_at(verdict, file), verdict.findings


def test_the_real_one_is_attested_and_the_verdict_says_what_no_receipt_speaks_of(
    files: dict[str, bytes], judge: Judge
) -> None:
    verdict = judge(files, kinds=KINDS)
    assert verdict.ok
    assert any(line.startswith("report.json and inputs/ are what its") for line in verdict.proved)
    assert any(line.startswith("That report.pdf says") for line in verdict.not_proved)


def test_a_bundle_of_another_engine_is_not_for_this_one_to_judge(files: dict[str, bytes]) -> None:
    body = json.loads(files["report.json"])
    body["engine"]["version"] = "0"
    with pytest.raises(NotRecomputable) as told:
        RECOMPUTERS["sla-report"]({**files, "report.json": canonical(body)})
    assert (told.value.file, told.value.field) == ("report.json", "engine")


def test_other_words_for_the_same_figures_are_no_mismatch(files: dict[str, bytes]) -> None:
    body = json.loads(files["report.json"])
    body["objectives"][0]["rules"][0]["text"] = "said otherwise"
    assert RECOMPUTERS["sla-report"]({**files, "report.json": canonical(body)}) == []


def test_signed_again_by_a_foreign_key_it_has_an_unknown_key(
    files: dict[str, bytes], sla_bundles: SlaBundles, judge: Judge
) -> None:
    lie, _ = signed_again(files, sla_bundles.keyring)
    assert judge(lie).codes == {Code.UNKNOWN_KEY}, "another log than the customer's"
    forged = {**files, MANIFEST: Log(receipts=FOREIGN_KEY).record_of(files[MANIFEST])}
    assert Code.UNKNOWN_KEY in codes_at(judge(forged), MANIFEST)


@pytest.fixture(scope="module")
def openssl() -> str:
    found = shutil.which("openssl")
    assert found, "needs openssl: apt-get install openssl"
    return found


def test_openssl_and_securesystemslib_verify_every_envelope(
    files: dict[str, bytes], sla_bundles: SlaBundles, openssl: str, tmp_path: Path
) -> None:
    key = sla_bundles.keyring.receipts
    theirs = SSlibKey(key.key_id, "ed25519", "ed25519", {"public": key.public_key.hex()})
    (tmp_path / "key.pem").write_bytes(files[f"keys/{key.key_id}.pem"])
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "pae"]
    envelopes = [name for name in files if name.endswith(".dsse.json")]
    assert len(envelopes) == 5
    for name in envelopes:
        ours = Envelope.parse(files[name])
        foreign = securesystemslib.dsse.Envelope.from_dict(parse_json(files[name]))
        assert foreign.pae() == ours.pae
        assert set(foreign.verify([theirs], threshold=1)) == {key.key_id}
        foreign.payload += b" "
        with pytest.raises(VerificationError):
            foreign.verify([theirs], threshold=1)
        (tmp_path / "sig").write_bytes(ours.signatures[0].signature)
        for honest in (True, False):
            (tmp_path / "pae").write_bytes(ours.pae if honest else ours.pae + b" ")
            done = subprocess.run(
                [*command, "-sigfile", "sig"], cwd=tmp_path, capture_output=True, check=False
            )
            assert (done.returncode == 0) is honest, (name, done.stderr)
