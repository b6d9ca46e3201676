"""securesystemslib and openssl read our envelopes and keys without any code of ours."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
import securesystemslib.dsse
from evidence_sample import LOG_KEY, RECEIPT_KEY, Log, export
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from trust_portal.evidence.dsse import Envelope, pae
from trust_portal.evidence.note import NoteKey, SignedNote
from trust_portal.evidence.strict import parse_json

FILES = export(Log()).files
ENVELOPES = sorted(name for name in FILES if name.endswith(".dsse.json"))


THEIR_KEY = SSlibKey(RECEIPT_KEY.key_id, "ed25519", "ed25519", {"public": RECEIPT_KEY.public_key.hex()})


@pytest.mark.parametrize("name", ENVELOPES)
def test_securesystemslib_verifies_every_envelope(name: str) -> None:
    theirs = securesystemslib.dsse.Envelope.from_dict(parse_json(FILES[name]))
    ours = Envelope.parse(FILES[name])
    assert theirs.payload == ours.payload
    assert theirs.pae() == ours.pae
    assert set(theirs.verify([THEIR_KEY], threshold=1)) == {RECEIPT_KEY.key_id}


def test_securesystemslib_refuses_what_we_refuse() -> None:
    value = parse_json(FILES[ENVELOPES[0]])
    theirs = securesystemslib.dsse.Envelope.from_dict(value)
    theirs.payload += b" "
    with pytest.raises(VerificationError):
        theirs.verify([THEIR_KEY], threshold=1)


def test_the_example_of_the_dsse_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@pytest.fixture(scope="module")
def openssl() -> str:
    found = shutil.which("openssl")
    assert found, "needs openssl: apt-get install openssl"
    return found


@pytest.mark.parametrize("name", ENVELOPES)
@pytest.mark.parametrize("honest", [True, False])
def test_openssl_verifies_every_envelope(openssl: str, tmp_path: Path, name: str, honest: bool) -> None:
    envelope = Envelope.parse(FILES[name])
    (tmp_path / "key.pem").write_bytes(FILES[f"keys/{RECEIPT_KEY.key_id}.pem"])
    (tmp_path / "pae").write_bytes(envelope.pae if honest else envelope.pae + b" ")
    (tmp_path / "sig").write_bytes(envelope.signatures[0].signature)
    done = subprocess.run(
        [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "pae", "-sigfile", "sig"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is honest, done.stderr


@pytest.mark.parametrize("key", [RECEIPT_KEY, LOG_KEY], ids=["receipts", "checkpoints"])
def test_a_key_id_is_what_openssl_and_sha256sum_print(openssl: str, key) -> None:
    der = subprocess.run(
        [openssl, "pkey", "-pubin", "-outform", "DER"],
        input=FILES[f"keys/{key.key_id}.pem"],
        capture_output=True,
        check=True,
    ).stdout
    assert hashlib.sha256(der).hexdigest() == key.key_id


def test_the_verifier_key_of_the_note_specification_is_spelled_alike() -> None:
    # PeterNeumann is the example key of golang.org/x/mod/sumdb/note's documentation.
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    key = NoteKey.parse(vkey)
    assert key.vkey == vkey
    assert SignedNote.parse(note).signed_by(key) is True
    assert SignedNote.parse(note.replace("answer", "Answer")).signed_by(key) is False
