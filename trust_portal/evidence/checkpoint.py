"""Checkpoints and proofs as text: c2sp.org/tlog-checkpoint, c2sp.org/tlog-proof@v1.

A log's entry is the DSSE PAE of a receipt, its leaf the RFC 6962 leaf hash over that entry, its
name (the *origin*) also the name of the key that signs its checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.evidence.merkle import HASH_BYTES, verify_consistency, verify_inclusion
from trust_portal.evidence.note import SignedNote, check_name, sign_note
from trust_portal.evidence.signing import SigningKey
from trust_portal.evidence.strict import Malformed, decimal, decode_base64, encode_base64

_PROOF_HEAD = "c2sp.org/tlog-proof@v1"
#: An audit path in a tree of 2**63 leaves; also the bound of c2sp.org/tlog-witness.
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many leaves, their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text, three lines, no extensions."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """``Malformed`` unless exactly three lines. Extension lines say nothing we could check."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise Malformed("a checkpoint here has three lines", field="checkpoint")
        return cls(check_name(lines[0]), decimal(lines[1], field="tree size"), _hash(lines[2]))

    def sign(self, key: SigningKey) -> SignedNote:
        """The signed note; its key name is the origin, as the specification recommends."""
        return sign_note(self.text, check_name(self.origin), key)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That an entry stands at ``index`` of the tree whose head ``note`` signs.

    ``extra`` of the format is not used: it is not authenticated, so it is refused in reading.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: SignedNote

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(self.note.text)

    def __str__(self) -> str:
        hashes = "".join(f"{encode_base64(each)}\n" for each in self.hashes)
        return f"{_PROOF_HEAD}\nindex {self.index}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """``Malformed`` unless ``data`` is exactly the text of a proof without extra data."""
        head, hashes, note = _read_parts(data)
        lines = head.split("\n")
        if len(lines) != 2 or lines[0] != _PROOF_HEAD:
            raise Malformed(f"does not begin with {_PROOF_HEAD} and an index", field="tlog-proof")
        proof = cls(_numbered(lines[1], "index"), hashes, note)
        _ = proof.checkpoint
        return proof

    def verifies(self, leaf: bytes) -> bool:
        """Whether leaf hash ``leaf`` is included; says nothing about who signed the head."""
        head = self.checkpoint
        return verify_inclusion(leaf, self.index, head.size, self.hashes, head.root)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree whose head ``note`` signs extends the tree of ``old`` leaves.

    Spelled as the body of an add-checkpoint request of c2sp.org/tlog-witness, so that any witness
    can be handed the file as it is.
    """

    old: int
    hashes: tuple[bytes, ...]
    note: SignedNote

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(self.note.text)

    def __str__(self) -> str:
        hashes = "".join(f"{encode_base64(each)}\n" for each in self.hashes)
        return f"old {self.old}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, data: bytes) -> ConsistencyProof:
        """``Malformed`` unless ``data`` is exactly the text of a consistency proof."""
        head, hashes, note = _read_parts(data)
        proof = cls(_numbered(head, "old"), hashes, note)
        _ = proof.checkpoint
        return proof

    def verifies(self, old_root: bytes) -> bool:
        """Whether the new tree extends the old one under ``old_root``."""
        head = self.checkpoint
        return verify_consistency(self.old, head.size, self.hashes, old_root, head.root)


def _read_parts(data: bytes) -> tuple[str, tuple[bytes, ...], SignedNote]:
    """Head lines, hash lines and the signed note behind the first empty line."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8", field="proof") from error
    top, gap, note = text.partition("\n\n")
    if not gap:
        raise Malformed("no checkpoint in the proof", field="proof")
    lines = top.split("\n")
    last_head = max((n for n, line in enumerate(lines) if " " in line), default=0)
    hashes = lines[last_head + 1 :]
    if len(hashes) > _MAX_HASHES:
        raise Malformed("longer than any proof can be", field="proof")
    return "\n".join(lines[: last_head + 1]), tuple(map(_hash, hashes)), SignedNote.parse(note)


def _numbered(line: str, word: str) -> int:
    name, _, number = line.partition(" ")
    if name != word:
        raise Malformed(f"expected a line '{word} <number>'", field=word)
    return decimal(number, field=word)


def _hash(line: str) -> bytes:
    raw = decode_base64(line, field="hash")
    if len(raw) != HASH_BYTES:
        raise Malformed(f"a hash has {HASH_BYTES} bytes, not {len(raw)}", field="hash")
    return raw


def sign_checkpoint(origin: str, size: int, root: bytes, key: SigningKey) -> SignedNote:
    """The signed note of one tree head."""
    return Checkpoint(origin, size, root).sign(key)
