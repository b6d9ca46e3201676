"""Whether a document is the one that a receipt was left for: what is asked first of every kind of document.

A row of the database is believed by nobody: the exporter, the audit and the customer's own verifier ask the
same question here, of bytes alone. That the envelopes' signatures hold is asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trust_portal.errors import TrustPortalError
from trust_portal.evidence.links import file_of, missing, rests_on, result_of, statements
from trust_portal.evidence.manifest import Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import canonical, sha256_hex

#: What reading somebody else's bytes may raise; ``unreadable`` makes a gap of it.
UNREADABLE: Final = (
    Malformed,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    TrustPortalError,
)


@dataclass(frozen=True, slots=True)
class Attestation:
    """``tenant`` and ``subject`` are the ids in the receipt; ``gaps`` is empty where every link holds."""

    gaps: tuple[Gap, ...]
    tenant: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A document, parsed, and the one receipt that was left for its bytes.

    ``name`` is the file of that receipt; ``found`` are all receipts that are there, and ``behind`` that one
    and every one it rests on, all the way down: both by file.
    """

    body: Mapping[str, Any]
    sha256: str
    name: str
    receipt: Statement
    found: Mapping[str, Statement]
    behind: Mapping[str, Statement]

    def missing(self, files: Mapping[str, bytes]) -> Iterator[Gap]:
        """Every receipt behind the document that is not there byte for byte."""
        for name in sorted(self.behind):
            yield from missing(files, name, self.behind[name])


def attest_document(
    files: Mapping[str, bytes],
    file: str,
    kind: ReceiptKind,
    *,
    id_field: str,
    links: Callable[[Issued], Iterable[Gap]],
) -> Attestation:
    """``file`` among ``files``, which are named as in a bundle; ``links`` says what else must hold of it.

    Its id is that of the field ``id_field`` in the receipt's result.
    """
    try:
        issued = _issued(files, file, kind)
        gaps = tuple(links(issued))
        tenant, result = str(issued.receipt.predicate["tenant"]), result_of(issued.receipt)
        return Attestation(gaps, tenant, str(result[id_field]))
    except UNREADABLE as error:
        return Attestation((unreadable(file, error),))


def unreadable(file: str, error: Exception) -> Gap:
    """The gap where ``file`` is not what belongs there."""
    if isinstance(error, Malformed):
        return Gap(file, error.field or "", error.message)
    return Gap(file, "", f"not what belongs here: {error!r}")


def read_document(files: Mapping[str, bytes], file: str) -> tuple[Mapping[str, Any], str]:
    """A document, parsed, and its SHA-256. ``Malformed`` where it is not there or spelled otherwise."""
    content = files.get(file)
    if content is None:
        raise Malformed("is not there")
    body: Mapping[str, Any] = parse_json(content)
    if canonical(body) != content:
        raise Malformed("spelled otherwise than RFC 8785 wants")
    return body, sha256_hex(content)


def is_for(receipt: Statement, file: str, sha256: str) -> bool:
    """Whether a receipt was left for these bytes under this name."""
    return any((each.name, each.sha256) == (file, sha256) for each in receipt.subjects)


def other_than_stated(
    files: Mapping[str, bytes], file: str, manifest: Statement, tenant: str, noun: str
) -> Sequence[Gap]:
    """Where a bundle's manifest speaks of another tenant or period than the document, here called ``noun``."""
    body, stated = parse_json(files[file]), Manifest.of(manifest)
    same = (
        ("predicate.result.tenant", stated.tenant, body["tenant"]["key"]),
        ("predicate.result.period", stated.period, body["period"]["label"]),
        ("predicate.tenant", manifest.predicate.get("tenant"), tenant),
    )
    return [
        Gap("manifest.dsse.json", field, f"the manifest says {said!r}, the signed {noun} {meant!r}")
        for field, said, meant in same
        if said != meant
    ]


def other_than_signed(file: str, same: Iterable[tuple[str, object, object]]) -> Sequence[Gap]:
    """Where a row says otherwise than the receipt: ``same`` has field, what the one says, what the other."""
    return [
        Gap(file, field, f"the row says {said!r}, the receipt {meant!r}")
        for field, said, meant in same
        if said != meant
    ]


def _issued(files: Mapping[str, bytes], file: str, kind: ReceiptKind) -> Issued:
    body, sha256 = read_document(files, file)
    found = dict(statements(files))
    own = [name for name, each in found.items() if each.kind is kind and is_for(each, file, sha256)]
    if len(own) != 1:
        raise Malformed(f"{len(own) or 'no'} {kind.value} receipts are for it")
    (name,) = own
    return Issued(body, sha256, name, found[name], found, _behind(found, name))


def _behind(found: Mapping[str, Statement], name: str) -> Mapping[str, Statement]:
    seen: dict[str, Statement] = {}
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in found and each not in seen:
            seen[each] = found[each]
            waiting += [file_of(id_) for id_ in rests_on(found[each])]
    return seen
