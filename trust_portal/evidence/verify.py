"""The offline verifier: bundle in, verdict out. No network, no database, no clock.

The chain it follows: a key believed from *outside* → the manifest's signature → the digest of every
file; and the same trust → the checkpoint's signature → the inclusion of manifest and receipts → the
growth of the log since earlier exports. Each link that breaks is a finding; none stops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from trust_portal.evidence import bundle
from trust_portal.evidence.attestation import UNREADABLE, unreadable
from trust_portal.evidence.checkpoint import Checkpoint, TlogProof
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.manifest import MANIFEST, MANIFEST_PROOF, Manifest
from trust_portal.evidence.merkle import leaf_hash
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Code, Gap, Mismatch, NotRecomputable, Subject, Verdict
from trust_portal.evidence.verification.decks import check_deck
from trust_portal.evidence.verification.disclosures import check_document, disclosures_of
from trust_portal.evidence.verification.files import check_files
from trust_portal.evidence.verification.history import check_growth, check_meanwhile, check_since
from trust_portal.evidence.verification.receipts import check_receipts
from trust_portal.evidence.verification.report import Report
from trust_portal.evidence.verification.trust import (
    Trust,
    check_envelope,
    check_note,
    read_proof,
    resolve_trust,
    say_unpinned,
)

Recomputer: TypeAlias = Callable[[Mapping[str, bytes]], Sequence[Mismatch]]
"""Derives a document's figures from a bundle's own ``inputs/``; empty when every string agrees.

Raises ``NotRecomputable`` for files it cannot use, and nothing else.
"""
#: What recomputing proves of a document all of whose figures are derived.
FIGURES: Final = "the figures follow from the bundle's own inputs, string for string"


@dataclass(frozen=True, slots=True)
class Concealing:
    """A document that withholds some of itself as salted digests (RFC 9901).

    ``file`` is where it lies in a bundle; what was disclosed of it lies under its name in ``disclosures/``.
    ``whole`` says what follows from the document with everything that was disclosed put back.
    """

    file: str
    whole: Callable[[Any], Sequence[str]]


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What the room that owns a kind of document asks of a bundle, beyond what every bundle owes.

    ``attest`` gets the files and the manifest, and names each link that is missing between the
    document and the receipts it rests on. ``proves`` says what its silence means, ``leaves_open`` what it
    cannot know, and ``leaves_open_too`` what else, of these very files. ``deck`` is where its slides lie, which are there to be edited. ``derives`` is what recomputing proves where it finds no difference. ``tells`` says what else
    follows where nothing is missing. Where either stumbles, the document is none of its kind.
    """

    attest: Callable[[Mapping[str, bytes], Statement], Sequence[Gap]]
    proves: str
    leaves_open: tuple[str, ...] = ()
    leaves_open_too: Callable[[Mapping[str, bytes]], Sequence[str]] | None = None
    derives: str = FIGURES
    tells: Callable[[Mapping[str, bytes], Statement], Sequence[str]] | None = None
    conceals: Concealing | None = None
    deck: str | None = None


def verify(
    data: bytes,
    *,
    policy: Policy | None = None,
    pinned: frozenset[str] = frozenset(),
    since: bytes | None = None,
    kinds: Mapping[str, DocumentKind] | None = None,
    recomputers: Mapping[str, Recomputer] | None = None,
    disclosed: Mapping[str, bytes] | None = None,
    deck: tuple[str, bytes] | None = None,
) -> Verdict:
    """The verdict on the bundle ``data``.

    ``policy`` says whom to believe; ``pinned`` are key ids of which one must have signed the
    manifest. With neither, everything is checked against the bundle's own keys and the verdict is
    UNPINNED. ``since`` is an older bundle that this one must extend. ``kinds`` knows what a document
    of each kind owes; of any other the verdict says what stays open. ``recomputers`` by document kind
    asks to recompute the figures; ``None`` does not ask. ``disclosed`` are lists of disclosures, by what a
    finding calls them, that were handed over beside the bundle. ``deck`` is a name and slides that somebody
    edited, to be compared with those in the bundle. Never raises for what ``data`` is.
    """
    report = Report()
    try:
        opened = bundle.read(data)
        files = opened.files
        if MANIFEST not in files:
            raise Malformed(f"there is no {MANIFEST} at its top")
    except Malformed as error:
        report.find(Code.NOT_A_BUNDLE, error.message)
        return _verdict(report, Subject())
    if not opened.canonical:
        report.find(Code.NOT_CANONICAL, "packed again, or changed: not the one zip of its files")
    try:
        envelope = Envelope.parse(files[MANIFEST])
        statement = Statement.parse(envelope.payload)
        manifest = Manifest.of(statement)
    except Malformed as error:
        report.find(
            Code.BAD_SIGNATURE,
            f"not a readable manifest: {error.message}",
            file=MANIFEST,
            field=error.field or "",
        )
        return _verdict(report, Subject())

    check_files(files, statement, manifest, report)
    trust = resolve_trust(files, policy, pinned, report)
    head, proof = _check_manifest(envelope, files, trust, report)
    kind = (kinds or {}).get(manifest.kind)
    concealing = None if kind is None else kind.conceals
    check_receipts(
        files, proof, trust, report, known=[disclosures_of(concealing.file)] if concealing is not None else ()
    )
    _check_disclosures(files, concealing, disclosed or {}, report)
    grown = proof is not None and check_growth(files, manifest, proof, report)
    meanwhile = None if proof is None else check_meanwhile(files, proof, trust, report)
    if since is not None:
        older = _verify_older(since, trust, report)
        if older is not None and head is not None:
            check_since(older, head, manifest.previous, grown, report, meanwhile=meanwhile)
    _attest(files, statement, kind, report)
    if deck is not None:
        check_deck(files, None if kind is None else kind.deck, *deck, report)
    _recompute(files, manifest, recomputers, FIGURES if kind is None else kind.derives, report)
    _say_what_stays_open(since, report)
    signers = tuple(each.key_id for each in envelope.signatures)
    if policy is None and not pinned:
        say_unpinned(", ".join(signers), report)
    return _verdict(report, Subject(manifest.kind, manifest.tenant, manifest.period, head, signers))


def _check_disclosures(
    files: Mapping[str, bytes], concealing: Concealing | None, disclosed: Mapping[str, bytes], report: Report
) -> None:
    """Those in the bundle and those handed over beside it, each against the digest that stands in its place."""
    if concealing is None:
        for name in disclosed:
            report.find(Code.UNREFERENCED_DISCLOSURE, "this kind of document withholds nothing", file=name)
        return
    within = disclosures_of(concealing.file)
    lists = {within: files[within]} if within in files else {}
    lists.update(disclosed)
    document = files.get(concealing.file)
    report.proved.extend(check_document(document, concealing.file, lists, report, concealing.whole))


def _check_manifest(
    envelope: Envelope, files: Mapping[str, bytes], trust: Trust, report: Report
) -> tuple[Checkpoint | None, TlogProof | None]:
    """The checkpoint if it is believed, and the manifest's proof if it can be read."""
    proof = read_proof(files.get(MANIFEST_PROOF), MANIFEST_PROOF, report)
    signer = envelope.signatures[0].key_id if envelope.signatures else ""
    if trust.pinned and signer not in trust.pinned:
        report.find(
            Code.UNKNOWN_KEY, f"signed by {signer}, not by a pinned key", file=MANIFEST, field="keyid"
        )
    elif check_envelope(envelope, proof.index if proof else None, MANIFEST, trust, report):
        report.proved.append(f"the manifest is signed by key {signer}")
    if proof is None:
        return None, None
    head = check_note(proof.note, MANIFEST_PROOF, trust, report)
    if not proof.verifies(leaf_hash(envelope.pae)):
        report.find(Code.NOT_INCLUDED, "the manifest is not proved to be in the log", file=MANIFEST_PROOF)
    elif head is not None:
        report.proved.append(f"the manifest is entry {proof.index} of {head.size} in log {head.origin}")
    return head, proof


def _verify_older(since: bytes, trust: Trust, report: Report) -> Checkpoint | None:
    """The older bundle's checkpoint, verified by the policy that the newer one was verified by."""
    older = verify(since, policy=trust.policy)
    for finding in older.findings:
        where = f"--since: {finding.file}" if finding.file else "--since"
        report.find(finding.code, finding.message, file=where, field=finding.field, then=finding.next)
    return older.subject.checkpoint


def _attest(
    files: Mapping[str, bytes], manifest: Statement, kind: DocumentKind | None, report: Report
) -> None:
    if kind is None:
        report.not_proved.append("That the document was issued: nothing here knows what its kind rests on")
        return
    try:
        gaps = kind.attest(files, manifest)
        told = () if gaps or kind.tells is None else kind.tells(files, manifest)
    except UNREADABLE as error:
        # What nobody signed reaches the rooms too, and may be anything.
        gaps, told = (unreadable("", error),), ()
    for gap in gaps:
        report.find(Code.NOT_ATTESTED, gap.message, file=gap.file, field=gap.field)
    if not gaps:
        report.proved.append(kind.proves)
        report.proved.extend(told)
    report.not_proved.extend(kind.leaves_open)
    if kind.leaves_open_too is not None:
        report.not_proved.extend(kind.leaves_open_too(files))


def _recompute(
    files: Mapping[str, bytes],
    manifest: Manifest,
    recomputers: Mapping[str, Recomputer] | None,
    derives: str,
    report: Report,
) -> None:
    if recomputers is None:
        report.not_proved.append("That the figures follow from the inputs: ask with --recompute")
        return
    recompute = recomputers.get(manifest.kind)
    if recompute is None:
        report.find(
            Code.NOT_RECOMPUTABLE,
            f"nothing here can recompute a {manifest.kind!r}",
            file=MANIFEST,
            field="predicate.result.kind",
        )
        return
    if any(f.code in {Code.DIGEST_MISMATCH, Code.FILE_MISSING} for f in report.findings):
        report.not_proved.append("That the figures follow from the inputs: the files are not the signed ones")
        return
    try:
        mismatches = recompute(files)
    except NotRecomputable as error:
        report.find(
            Code.NOT_RECOMPUTABLE,
            f"the inputs cannot be used: {error.message}",
            file=error.file,
            field=error.field,
        )
        return
    for each in mismatches:
        report.find(
            Code.RECOMPUTE_MISMATCH,
            f"reported {each.reported}, recomputed {each.recomputed}",
            file=each.file,
            field=each.field,
        )
    if not mismatches:
        report.proved.append(derives)


def _say_what_stays_open(since: bytes | None, report: Report) -> None:
    report.not_proved.append(
        "When it was signed: times are the vendor's word, no trusted time stands behind them"
    )
    report.not_proved.append(
        "That the inputs are what really happened: only that they were not changed since"
    )
    if since is None:
        report.not_proved.append("That the log extends a bundle you already hold: ask with --since")


def _verdict(report: Report, subject: Subject) -> Verdict:
    return Verdict(tuple(report.findings), tuple(report.proved), tuple(report.not_proved), subject)
