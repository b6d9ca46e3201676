"""Whether a postmortem is the one that was signed: every link from its bytes to signed receipts.

    postmortem.json ◀── postmortem.signed ──▶ postmortem.accepted ──▶ postmortem.submitted ──▶ … ──▶ .opened
                              │                (somebody else)          (the same bytes)
                              └──▶ passkey.introduced, and the version before it, if there is one

What is asked of every document stands in ``evidence.attestation``; here, what is asked of this one.
That the passkey signed is asked by ``evidence.verification.passkeys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trust_portal.evidence.attestation import Attestation, Issued, attest_document, is_for
from trust_portal.evidence.links import file_of, rests_on, result_of, statements
from trust_portal.evidence.manifest import Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, FEWEST_ACTIONS, MOST_ACTIONS


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: the document, and envelopes of receipts."""
    return attest_document(
        files,
        DOCUMENT_FILE,
        ReceiptKind.POSTMORTEM_SIGNED,
        id_field="postmortem",
        links=partial(_links, files),
    )


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


def _links(files: Mapping[str, bytes], issued: Issued) -> Iterator[Gap]:
    document, name, receipt, sha256 = issued.body, issued.name, issued.receipt, issued.sha256
    yield from issued.missing(files)
    yield from _signed(document, name, receipt, sha256)
    yield from _reviewed(document, name, receipt, issued.found, sha256)
    yield from _before(document, receipt, issued.behind)


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
    if accepted is None or not is_for(accepted, DOCUMENT_FILE, sha256):
        yield Gap(name, "predicate.inputs", "no postmortem.accepted receipt of this document is behind it")
        return
    reviewer = _person(accepted)
    if result_of(receipt)["reviewer"]["person"] != reviewer:
        yield Gap(name, "predicate.result.reviewer", f"accepted by {reviewer!r}")
    if reviewer in {each["person"] for each in document["authors"]}:
        yield Gap(DOCUMENT_FILE, "authors", "reviewed by somebody who wrote it")
    submitted = _rested(accepted, found, ReceiptKind.POSTMORTEM_SUBMITTED)
    if submitted is None or not is_for(submitted, DOCUMENT_FILE, sha256):
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
            or not is_for(earlier, DOCUMENT_FILE, str(before["sha256"]))
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
