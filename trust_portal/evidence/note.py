"""Signed notes and verifier keys (c2sp.org/signed-note), Ed25519 only.

A note is text, an empty line, and signature lines ``— <name> <base64(key hash ‖ signature)>``. Two
kinds of key sign here: a log signs the text itself (type 0x01), a witness signs the text under a
dated header (type 0x04, c2sp.org/tlog-cosignature).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from trust_portal.evidence.signing import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, SigningKey, VerifyKey
from trust_portal.evidence.strict import Malformed, decode_base64, encode_base64

#: The specification asks for at least 16; what a policy may list bounds it from above.
MAX_SIGNATURES = 64
_KEY_HASH_BYTES = 4
#: What a note may not hold: ASCII control characters other than the newline.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_TIMESTAMP_BYTES = 8


class NoteAlgorithm(IntEnum):
    """The signature type identifier byte."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


def check_name(name: str) -> str:
    """A key name: not empty, no space of any script, no plus, no control character."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise Malformed(f"{name!r} cannot name a note key")
    return name


@dataclass(frozen=True)
class NoteKey:
    """A verifier key: ``<name>+<hex key hash>+<base64(type ‖ public key)>``."""

    name: str
    key: VerifyKey
    algorithm: NoteAlgorithm = NoteAlgorithm.ED25519

    def __post_init__(self) -> None:
        check_name(self.name)

    @cached_property
    def key_hash(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]."""
        encoded = bytes([self.algorithm]) + self.key.public_key
        return hashlib.sha256(self.name.encode() + b"\n" + encoded).digest()[:_KEY_HASH_BYTES]

    @property
    def vkey(self) -> str:
        encoded = encode_base64(bytes([self.algorithm]) + self.key.public_key)
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    @classmethod
    def parse(cls, vkey: str) -> NoteKey:
        """``Malformed`` unless the text is exactly what ``vkey`` gives for a type known here."""
        name, _, rest = vkey.partition("+")
        _, _, encoded = rest.partition("+")
        raw = decode_base64(encoded, field="vkey")
        if len(raw) != 1 + PUBLIC_KEY_BYTES or raw[0] not in set(NoteAlgorithm):
            raise Malformed("only Ed25519 verifier keys (types 0x01 and 0x04) are known here", field="vkey")
        key = cls(name, VerifyKey(raw[1:]), NoteAlgorithm(raw[0]))
        if key.vkey != vkey:
            raise Malformed("the verifier key's hash is not the hash of its name and key", field="vkey")
        return key

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` (without the key hash) is this key's over the note's ``text``."""
        if self.algorithm is NoteAlgorithm.ED25519:
            return self.key.verify(text.encode(), signature)
        if len(signature) != _TIMESTAMP_BYTES + SIGNATURE_BYTES:
            return False
        at = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
        message = f"cosignature/v1\ntime {at}\n{text}".encode()
        return at < 2**63 and self.key.verify(message, signature[_TIMESTAMP_BYTES:])


@dataclass(frozen=True, slots=True)
class NoteSignature:
    name: str
    key_hash: bytes
    signature: bytes

    @property
    def line(self) -> str:
        return f"— {self.name} {encode_base64(self.key_hash + self.signature)}\n"

    def by(self, key: NoteKey) -> bool:
        """Whether the line claims to be by ``key``; the claim still has to be verified."""
        return self.name == key.name and self.key_hash == key.key_hash


@dataclass(frozen=True, slots=True)
class SignedNote:
    """``text`` ends in a newline; signatures in the order they were made."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(each.line for each in self.signatures)

    @classmethod
    def parse(cls, note: str) -> SignedNote:
        """``Malformed`` unless ``note`` is exactly the text of a signed note."""
        text, gap, lines = note.rpartition("\n\n")
        if not gap or not lines.endswith("\n") or _CONTROL.search(note):
            raise Malformed("not a signed note", field="note")
        signatures = []
        for line in lines[:-1].split("\n"):
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            raw = decode_base64(encoded, field="note signature")
            if dash != "—" or len(raw) <= _KEY_HASH_BYTES:
                raise Malformed("not a signature line of a note", field="note signature")
            signatures.append(NoteSignature(check_name(name), raw[:_KEY_HASH_BYTES], raw[_KEY_HASH_BYTES:]))
        if len(signatures) > MAX_SIGNATURES:
            raise Malformed(f"a note with more than {MAX_SIGNATURES} signatures", field="note")
        return cls(text + "\n", tuple(signatures))

    def signed_by(self, key: NoteKey) -> bool | None:
        """True or False if the note claims ``key``'s signature and it holds or not; else ``None``."""
        claims = [each for each in self.signatures if each.by(key)]
        if not claims:
            return None
        return all(key.verifies(self.text, each.signature) for each in claims)


def sign_note(text: str, name: str, key: SigningKey) -> SignedNote:
    """``text`` (ending in a newline) signed once under ``name``, type 0x01."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a newline")
    note_key = NoteKey(name, key.verify_key)
    return SignedNote(text, (NoteSignature(name, note_key.key_hash, key.sign(text.encode())),))
