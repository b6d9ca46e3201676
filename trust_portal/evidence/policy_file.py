"""Trust policies (c2sp.org/tlog-policy), with the two things that format leaves to applications.

Which keys sign *entries*, and for which stretch of the log any key is good, is written in comment
lines, so that the file stays a legal tlog-policy for every other tool::

    log example.com/log+4bb2e8b0+AYy2…     a key that signs checkpoints
    quorum none
    #:receipt-key 9mLq…                    base64 of an Ed25519 public key that signs receipts
    #:valid 77e1… 0 5210                   key id, first index, first index no longer (or -)

A key without ``#:valid`` is good for the whole log. A policy without ``#:receipt-key`` trusts its
log keys to sign receipts too. A ``#:`` line that is not understood is refused, never skipped: it
may be a restriction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trust_portal.evidence.note import NoteAlgorithm, NoteKey, SignedNote
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.strict import Malformed, decimal, decode_base64, encode_base64

NO_QUORUM = "none"
_MAX_BYTES = 256 * 1024
_OURS = "#:"


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of a log a key is good for: entries ``first <= index < end``.

    Judged by place in the log, never by a time somebody states about himself. A checkpoint may be
    as large as ``end``: the old key may still sign the head under its own last entry.
    """

    first: int = 0
    end: int | None = None

    def covers_entry(self, index: int) -> bool:
        return self.first <= index and (self.end is None or index < self.end)

    def covers_size(self, size: int) -> bool:
        return self.first <= size and (self.end is None or size <= self.end)

    def __str__(self) -> str:
        return f"{self.first} {'-' if self.end is None else self.end}"


@dataclass(frozen=True, slots=True)
class Group:
    """Witnessed when at least ``threshold`` of ``members`` (witnesses or groups) have."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom to believe. ``quorum`` is the name of a witness or group, or ``none``."""

    logs: tuple[NoteKey, ...]
    receipt_keys: tuple[VerifyKey, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)
    witnesses: Mapping[str, NoteKey] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NO_QUORUM

    def log_keys(self, origin: str) -> tuple[NoteKey, ...]:
        """Keys that may sign checkpoints of ``origin``."""
        return tuple(key for key in self.logs if key.name == origin)

    def receipt_key(self, key_id: str) -> VerifyKey | None:
        """The receipt key of that id, if it is believed."""
        keys = self.receipt_keys or tuple(log.key for log in self.logs)
        return next((key for key in keys if key.key_id == key_id), None)

    def span(self, key: VerifyKey) -> Span:
        return self.spans.get(key.key_id, Span())

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Every key that signs for the vendor, each once: receipts first, then logs."""
        keys = (*self.receipt_keys, *(log.key for log in self.logs))
        return tuple(dict.fromkeys(key.key_id for key in keys))

    def witnessed(self, note: SignedNote) -> bool:
        """Whether the cosignatures on ``note`` meet the quorum."""

        def counts(name: str) -> bool:
            if name in self.witnesses:
                return note.signed_by(self.witnesses[name]) is True
            group = self.groups[name]
            return sum(map(counts, group.members)) >= group.threshold

        return self.quorum == NO_QUORUM or counts(self.quorum)

    @property
    def text(self) -> str:
        """The policy as a file."""
        lines = ["# Whom to believe. Format: https://c2sp.org/tlog-policy"]
        lines += [f"log {key.vkey}" for key in self.logs]
        lines += [f"witness {name} {key.vkey}" for name, key in self.witnesses.items()]
        lines += [
            f"group {name} {group.threshold} {' '.join(group.members)}" for name, group in self.groups.items()
        ]
        lines.append(f"quorum {self.quorum}")
        lines.append("# Lines with a colon are read by trust-portal verify (docs/formats/receipts.md).")
        lines += [f"{_OURS}receipt-key {encode_base64(key.public_key)}" for key in self.receipt_keys]
        lines += [f"{_OURS}valid {key_id} {span}" for key_id, span in self.spans.items()]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """A policy from a file's bytes; ``Malformed`` names the line."""
        return _Reader().read(data)


class _Reader:
    """One pass over the lines; names must be defined before they are used."""

    def __init__(self) -> None:
        self.logs: list[NoteKey] = []
        self.receipt_keys: list[VerifyKey] = []
        self.spans: dict[str, Span] = {}
        self.witnesses: dict[str, NoteKey] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.taken: set[str] = set()  # each name is a member at most once

    def read(self, data: bytes) -> Policy:
        if len(data) > _MAX_BYTES:
            raise Malformed(f"a policy has at most {_MAX_BYTES} bytes", field="policy")
        if any((octet < 0x20 and octet not in b"\t\n") or octet == 0x7F for octet in data):
            raise Malformed("a control character in the policy", field="policy")
        # Names are opaque octets: surrogateescape keeps every one of them apart.
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            if not words or (words[0].startswith("#") and not words[0].startswith(_OURS)):
                continue
            try:
                self._line(words[0], words[1:])
            except (Malformed, ValueError) as error:
                raise Malformed(f"line {number}: {error}", field="policy") from error
        if self.quorum is None:
            raise Malformed("no quorum line", field="policy")
        return Policy(
            tuple(self.logs),
            tuple(self.receipt_keys),
            self.spans,
            self.witnesses,
            self.groups,
            self.quorum,
        )

    def _line(self, word: str, rest: list[str]) -> None:
        match word, rest:
            case "log", [vkey] | [vkey, _]:
                self._log(NoteKey.parse(vkey))
            case "witness", [name, vkey] | [name, vkey, _]:
                self._witness(name, NoteKey.parse(vkey))
            case "group", [name, threshold, *members] if members:
                self._group(name, threshold, tuple(members))
            case "quorum", [name]:
                if self.quorum is not None:
                    raise Malformed("a second quorum line")
                if name != NO_QUORUM:
                    self._defined(name)
                self.quorum = name
            case "#:receipt-key", [encoded]:
                self.receipt_keys.append(VerifyKey(decode_base64(encoded)))
            case "#:valid", [key_id, first, end]:
                self._valid(key_id, first, end)
            case _:
                raise Malformed(f"{word!r} with {len(rest)} words is nothing this policy format knows")

    def _log(self, key: NoteKey) -> None:
        if key.algorithm is not NoteAlgorithm.ED25519:
            raise Malformed("a log's key signs notes (type 0x01)")
        if any(key.key == each.key for each in self.logs):
            raise Malformed("the same log key twice")
        self.logs.append(key)

    def _witness(self, name: str, key: NoteKey) -> None:
        if key.algorithm is not NoteAlgorithm.COSIGNATURE_V1:
            raise Malformed("a witness's key cosigns (type 0x04)")
        if any(key.key == each.key for each in self.witnesses.values()):
            raise Malformed("the same witness key twice")
        self._fresh(name)
        self.witnesses[name] = key

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        self._fresh(name)
        for member in members:
            self._defined(member)
            if member in self.taken:
                raise Malformed(f"{member!r} is a member twice")
            self.taken.add(member)
        least = {"any": 1, "all": len(members)}.get(threshold)
        if least is None:
            least = decimal(threshold)
        if not 1 <= least <= len(members):
            raise Malformed(f"{least} of {len(members)} members")
        self.groups[name] = Group(least, members)

    def _valid(self, key_id: str, first: str, end: str) -> None:
        if key_id in self.spans:
            raise Malformed("two spans for one key")
        span = Span(decimal(first), None if end == "-" else decimal(end))
        if span.end is not None and span.end < span.first:
            raise Malformed("a span that ends before it begins")
        self.spans[key_id] = span

    def _fresh(self, name: str) -> None:
        if name == NO_QUORUM or name in self.witnesses or name in self.groups:
            raise Malformed(f"{name!r} is defined already")

    def _defined(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise Malformed(f"{name!r} is not defined above")
