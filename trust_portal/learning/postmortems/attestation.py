"""Whether a postmortem is the one that was signed: every link from its bytes to signed receipts.

    postmortem.json ◀── postmortem.signed ──▶ postmortem.accepted ──▶ postmortem.submitted ──▶ … ──▶ .opened
                              │                (somebody else)          (the same bytes)
                              └──▶ passkey.introduced, and the version before it, if there is one

A row of the database is believed by nobody: the exporter, the audit and the reader's own verifier ask the
same question here, of bytes alone. That the envelopes' signatures hold is asked before, and that of the
passkey by ``evidence.verification.passkeys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trust_portal.errors import TrustPortalError
from trust_portal.evidence.links import file_of, missing, rests_on, result_of, statements
from trust_portal.evidence.manifest import Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, FEWEST_ACTIONS, MOST_ACTIONS


@dataclass(frozen=True, slots=True)
class Attestation:
    """``gaps`` is empty where every link holds; then the rest says what was signed."""

    gaps: tuple[Gap, ...]
    tenant: str = ""
    postmortem: str = ""
    version: str = ""


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: the document, and envelopes of receipts."""
    try:
        return _attest(files)
    except Malformed as error:
        return Attestation((Gap(DOCUMENT_FILE, error.field or "", error.message),))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, TrustPortalError) as error:
        return Attestation((Gap(DOCUMENT_FILE, "", f"not what belongs here: {error!r}"),))


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest is of the tenant that signed it."""
    found = attest(files)
    if found.gaps:
        return found.gaps
    Manifest.of(manifest)
    if manifest.predicate.get("tenant") != found.tenant:
        said = manifest.predicate.get("tenant")
        return [
            Gap(
                "manifest.dsse.json",
                "predicate.tenant",
                f"the manifest says {said!r}, signed it {found.tenant!r}",
            )
        ]
    return []


def versions_told(files: Mapping[str, bytes], _: Statement) -> Sequence[str]:
    """What the bundle knows of earlier and later versions of the document in it."""
    document = parse_json(files[DOCUMENT_FILE])
    own = document["postmortem"]
    told = []
    if own["supersedes"] is not None:
        before = own["supersedes"]
        told.append(
            f"version {own['version']} supersedes version {before['version']}, SHA-256 {before['sha256']}"
        )
    for _name, statement in statements(files):
        result = result_of(statement)
        if (
            statement.kind is ReceiptKind.POSTMORTEM_SIGNED
            and result.get("postmortem") == own["id"]
            and int(result["version"]) > int(own["version"])
        ):
            told.append(
                f"version {own['version']} is superseded by version {result['version']}, "
                f"SHA-256 {result['sha256']}: it was signed, and is no longer what counts"
            )
    return told


def _attest(files: Mapping[str, bytes]) -> Attestation:
    content = files.get(DOCUMENT_FILE)
    if content is None:
        return Attestation((Gap(DOCUMENT_FILE, "", "is not there"),))
    document = parse_json(content)
    if canonical(document) != content:
        return Attestation((Gap(DOCUMENT_FILE, "", "spelled otherwise than RFC 8785 wants"),))
    sha256 = sha256_hex(content)
    found = dict(statements(files))
    signed = [
        (name, each)
        for name, each in found.items()
        if each.kind is ReceiptKind.POSTMORTEM_SIGNED and _is_of(each, sha256)
    ]
    if len(signed) != 1:
        return Attestation(
            (Gap(DOCUMENT_FILE, "", f"{len(signed) or 'no'} postmortem.signed receipts are for it"),)
        )
    name, receipt = signed[0]
    behind = _behind(found, name)
    gaps = [
        *(gap for each in sorted(behind) for gap in missing(files, each, behind[each])),
        *_signed(document, name, receipt, sha256),
        *_reviewed(document, name, receipt, found, sha256),
        *_before(document, receipt, behind),
    ]
    own = document["postmortem"]
    return Attestation(tuple(gaps), str(receipt.predicate["tenant"]), own["id"], own["version"])


def _is_of(statement: Statement, sha256: str) -> bool:
    return any(each.name == DOCUMENT_FILE and each.sha256 == sha256 for each in statement.subjects)


def _behind(found: Mapping[str, Statement], name: str) -> dict[str, Statement]:
    seen: dict[str, Statement] = {}
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in found and each not in seen:
            seen[each] = found[each]
            waiting += [file_of(id_) for id_ in rests_on(found[each])]
    return seen


def _signed(document: Mapping[str, Any], name: str, receipt: Statement, sha256: str) -> Iterator[Gap]:
    """What was signed is what the document says of itself, and has its prevention actions."""
    result, own = result_of(receipt), document["postmortem"]
    said = {
        "postmortem": own["id"],
        "version": own["version"],
        "incident": document["incident"]["id"],
        "sha256": sha256,
        "supersedes": own["supersedes"],
        "authors": document["authors"],
        "actions": str(len(document["actions"])),
    }
    for field, value in said.items():
        if result.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the document says {value!r}")
    if not FEWEST_ACTIONS <= len(document["actions"]) <= MOST_ACTIONS:
        yield Gap(DOCUMENT_FILE, "actions", f"not {FEWEST_ACTIONS} to {MOST_ACTIONS}")


def _reviewed(
    document: Mapping[str, Any],
    name: str,
    receipt: Statement,
    found: Mapping[str, Statement],
    sha256: str,
) -> Iterator[Gap]:
    """Accepted and submitted were these very bytes, and accepted by nobody who wrote any of them."""
    accepted = _rested(receipt, found, ReceiptKind.POSTMORTEM_ACCEPTED)
    if accepted is None or not _is_of(accepted, sha256):
        yield Gap(name, "predicate.inputs", "no postmortem.accepted receipt of this document is behind it")
        return
    reviewer = _person(accepted)
    if result_of(receipt)["reviewer"]["person"] != reviewer:
        yield Gap(name, "predicate.result.reviewer", f"accepted by {reviewer!r}")
    if reviewer in {each["person"] for each in document["authors"]}:
        yield Gap(DOCUMENT_FILE, "authors", "reviewed by somebody who wrote it")
    submitted = _rested(accepted, found, ReceiptKind.POSTMORTEM_SUBMITTED)
    if submitted is None or not _is_of(submitted, sha256):
        yield Gap(name, "predicate.inputs", "no postmortem.submitted receipt of this document is behind it")
        return
    result = result_of(submitted)
    for field, value in (("authors", document["authors"]), ("snapshot_at", document["snapshot_at"])):
        if result.get(field) != value:
            yield Gap(DOCUMENT_FILE, field, f"submitted was {result.get(field)!r}")


def _before(
    document: Mapping[str, Any], receipt: Statement, behind: Mapping[str, Statement]
) -> Iterator[Gap]:
    """It was opened for this incident; a version after the first rests on the one it supersedes."""
    own = document["postmortem"]
    opened = [
        result_of(each)
        for each in behind.values()
        if each.kind is ReceiptKind.POSTMORTEM_OPENED and result_of(each).get("postmortem") == own["id"]
    ]
    if not opened or opened[0].get("incident") != document["incident"]["id"]:
        yield Gap(
            DOCUMENT_FILE, "postmortem.id", "no postmortem.opened receipt of it and its incident is behind it"
        )
    before = own["supersedes"]
    if (before is None) != (own["version"] == "1"):
        yield Gap(DOCUMENT_FILE, "postmortem.supersedes", "only the first version supersedes nothing")
    elif before is not None:
        earlier = behind.get(file_of(str(before["receipt"])))
        if (
            earlier is None
            or earlier.kind is not ReceiptKind.POSTMORTEM_SIGNED
            or not _is_of(earlier, str(before["sha256"]))
            or before["receipt"] not in rests_on(receipt)
        ):
            yield Gap(DOCUMENT_FILE, "postmortem.supersedes", "no signed version like that is behind it")


def _rested(receipt: Statement, found: Mapping[str, Statement], kind: ReceiptKind) -> Statement | None:
    """The receipt of that kind on which ``receipt`` rests directly."""
    for id_ in rests_on(receipt):
        each = found.get(file_of(id_))
        if each is not None and each.kind is kind:
            return each
    return None


def _person(statement: Statement) -> str:
    actor: Any = statement.predicate["actor"]
    return str(actor.get("person", actor["id"]))
