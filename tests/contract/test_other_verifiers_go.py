"""Go's checksum database code reads our checkpoints and agrees with every proof of ours."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evidence_sample import LOG_KEY, ORIGIN, Log, export
from sla_bundle import SlaBundles

from trust_portal.evidence.checkpoint import Checkpoint, TlogProof
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from trust_portal.evidence.note import NoteKey
from trust_portal.evidence.signing import VerifyKey

ENTRIES = [b"entry %d" % n for n in range(130)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
_, NODES = CompactRange().append(LEAVES)
ROOTS = [root_of(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
SIZES = [*range(1, 34), 63, 64, 65, 100, 127, 128, 129, 130]

Ask = Callable[[list[dict[str, Any]]], list[str]]


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The answers of the program in ``go/``, built once."""
    compiler = shutil.which("go")
    library = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
    if compiler is None or not library.exists():
        missing = "needs Go and its sumdb: apt-get install golang-go golang-golang-x-mod-dev"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("go")
    program = folder / "sumdbcheck"
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    source = Path(__file__).parent / "go" / "main.go"
    subprocess.run([compiler, "build", "-o", str(program), str(source)], env=environment, check=True)

    def ask(questions: list[dict[str, Any]]) -> list[str]:
        done = subprocess.run(
            [str(program)], input=json.dumps(questions).encode(), capture_output=True, check=True
        )
        answers = done.stdout.decode().splitlines()
        assert len(answers) == len(questions)
        return answers

    return ask


def inclusion(index: int, size: int) -> dict[str, Any]:
    return {
        "kind": "inclusion",
        "record": text(ENTRIES[index]),
        "index": index,
        "size": size,
        "root": text(ROOTS[size]),
        "proof": [text(each) for each in inclusion_proof(index, size, NODES)],
    }


def consistency(old: int, new: int) -> dict[str, Any]:
    return {
        "kind": "consistency",
        "old": old,
        "old_root": text(ROOTS[old]),
        "size": new,
        "root": text(ROOTS[new]),
        "proof": [text(each) for each in consistency_proof(old, new, NODES)],
    }


def test_go_agrees_with_every_inclusion_proof(go: Ask) -> None:
    questions = [inclusion(index, size) for size in SIZES for index in range(size)]
    assert set(go(questions)) == {"ok"}


def test_go_agrees_with_every_consistency_proof(go: Ask) -> None:
    questions = [consistency(old, new) for new in SIZES for old in SIZES if old <= new]
    assert set(go(questions)) == {"ok"}


def test_go_refuses_the_proofs_we_refuse(go: Ask) -> None:
    wrong_root = inclusion(3, 20) | {"root": text(ROOTS[19])}
    wrong_record = inclusion(3, 20) | {"record": text(b"another entry")}
    forked = consistency(12, 20) | {"old_root": text(ROOTS[13])}
    answers = go([wrong_root, wrong_record, forked])
    assert "ok" not in answers


def test_go_opens_our_checkpoints_and_no_tampered_one(go: Ask) -> None:
    vkey = NoteKey(ORIGIN, LOG_KEY.verify_key).vkey
    notes = [str(Checkpoint(ORIGIN, size, ROOTS[size]).sign(LOG_KEY)) for size in SIZES]
    assert set(go([{"kind": "note", "vkey": vkey, "note": note} for note in notes])) == {"ok"}
    tampered = notes[3].replace("\n4\n", "\n5\n")
    assert go([{"kind": "note", "vkey": vkey, "note": tampered}]) != ["ok"]


def test_go_verifies_the_proofs_of_a_bundle_from_its_own_files(go: Ask) -> None:
    log = Log()
    log.grow(11)
    questions = asked_of(export(log).files, LOG_KEY.verify_key)
    assert len(questions) == 6
    assert set(go(questions)) == {"ok"}


def test_go_verifies_every_proof_of_a_real_sla_bundle(go: Ask, sla_bundles: SlaBundles) -> None:
    questions = asked_of(sla_bundles.files, sla_bundles.keyring.checkpoints.verify_key)
    # Of the manifest, and of the receipts of the contract, the maintenance, the report and the one it replaces.
    assert len(questions) == 10
    assert set(go(questions)) == {"ok"}


def asked_of(files: dict[str, bytes], log_key: VerifyKey) -> list[dict[str, Any]]:
    """Two questions for each proof: is its checkpoint signed, and is the receipt in that tree?"""
    questions: list[dict[str, Any]] = []
    for name in (each for each in files if each.endswith(".tlog-proof")):
        envelope = Envelope.parse(files[name.replace(".tlog-proof", ".dsse.json")])
        proof = TlogProof.parse(files[name])
        head = proof.checkpoint
        questions += [
            {"kind": "note", "vkey": NoteKey(head.origin, log_key).vkey, "note": str(proof.note)},
            {
                "kind": "inclusion",
                "record": text(envelope.pae),
                "index": proof.index,
                "size": head.size,
                "root": text(head.root),
                "proof": [text(each) for each in proof.hashes],
            },
        ]
    return questions
