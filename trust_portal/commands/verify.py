"""``trust-portal verify``: is this bundle what the vendor signed? Offline, and without any settings."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trust_portal.errors import InvalidInput
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Code, Subject, Verdict
from trust_portal.evidence.verify import DocumentKind, Recomputer
from trust_portal.evidence.verify import verify as verify_bundle

#: What each kind of document owes; the room of the kind says so.
_KINDS = (
    "trust_portal.reliability.verification",
    "trust_portal.learning.verification",
    "trust_portal.trust.verification",
)
#: Recomputing pulls in the calculation engine; verifying alone does not need it.
_RECOMPUTERS = (
    "trust_portal.reliability.recompute",
    "trust_portal.learning.recompute",
    "trust_portal.trust.recompute",
)
_KEY_ID_DIGITS = 64


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="Trust this policy file.")
@click.option(
    "--key", "keys", multiple=True, metavar="KEYID", help="Trust this key (hex SHA-256); repeatable."
)
@click.option("--since", type=click.Path(path_type=Path), help="An earlier bundle this one must extend.")
@click.option("--recompute", is_flag=True, help="Derive the figures again from the bundle's own inputs.")
@click.option(
    "--disclosed",
    "disclosed",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Disclosures handed over later, of what the document withholds; repeatable.",
)
@click.option(
    "--deck",
    "deck",
    type=click.Path(path_type=Path),
    help="Slides that were edited: do they still state the data of the bundle's?",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def verify(
    *,
    bundle: Path,
    policy_file: Path | None,
    keys: tuple[str, ...],
    since: Path | None,
    recompute: bool,
    disclosed: tuple[Path, ...],
    deck: Path | None,
    as_json: bool,
) -> None:
    """Verify BUNDLE offline: signatures, digests, the log, and what was asked for besides.

    Exits 0 only if everything asked for holds, 1 if something does not, 2 if a file cannot be read as
    what it should be or an option cannot be used. Without --policy or --key the verdict is UNPINNED: all else is checked, but
    nothing outside the bundle says whose key signed it.
    """
    try:
        verdict = verify_bundle(
            _read(bundle),
            policy=None if policy_file is None else _policy(policy_file),
            pinned=frozenset(map(_key_id, keys)),
            since=None if since is None else _read(since),
            kinds=document_kinds(),
            recomputers=recomputers() if recompute else None,
            disclosed={f"--disclosed {each.name}": _read(each) for each in disclosed},
            deck=None if deck is None else (f"--deck {deck.name}", _read(deck)),
        )
    except InvalidInput as error:
        if not as_json:
            raise
        click.echo(json.dumps(_unusable(error), indent=2))
        sys.exit(2)
    if as_json:
        click.echo(json.dumps(verdict.to_json(), indent=2))
    else:
        click.echo(_in_encoding_of_stdout(describe(bundle.name, verdict)))
    sys.exit(0 if verdict.ok else 2 if Code.NOT_A_BUNDLE in verdict.codes else 1)


def _unusable(error: InvalidInput) -> dict[str, Any]:
    """The answer where a file or an option cannot be used: in the shape of a verdict, with nothing proved."""
    place = error.field or ""
    finding = {
        "code": error.code,
        "file": "" if place.startswith("--") else place,
        "field": place if place.startswith("--") else "",
        "message": error.message,
        "next": "Correct this argument and ask again; nothing was verified.",
    }
    return Verdict((), (), (), Subject()).to_json() | {"ok": False, "findings": [finding]}


def describe(name: str, verdict: Verdict) -> str:
    """The verdict for a person: the answer first, then why, then what it does not say."""
    subject = verdict.subject
    lines = [f"{name}: {_answer(verdict)}"]
    about = [text for text in (subject.kind, subject.tenant, subject.period) if text]
    if about:
        lines.append("  " + " · ".join(about))
    if subject.checkpoint is not None:
        lines.append(f"  log {subject.checkpoint.origin}, {subject.checkpoint.size} entries")
    lines += [f"  signed by key {key_id}" for key_id in subject.key_ids]
    for finding in verdict.findings:
        where = " ".join(part for part in (finding.file, finding.field) if part)
        lines += ["", f"✗ {finding.code.value}{': ' if where else ''}{where}"]
        lines += [f"  {finding.message}", f"  → {finding.next}"]
    lines += _section("Proved", "✓", verdict.proved)
    lines += _section("Not proved", "·", verdict.not_proved)
    return "\n".join(map(_plain, lines))


def _in_encoding_of_stdout(text: str) -> str:
    """``text`` with what the terminal cannot write spelled out: a verdict is never lost to a locale."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _plain(line: str) -> str:
    """``line`` without control characters: a bundle must not be able to write to the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _answer(verdict: Verdict) -> str:
    if verdict.ok:
        return "verified"
    if verdict.codes == {"UNPINNED"}:
        return "intact, but nobody you trust vouches for the key (UNPINNED)"
    return f"NOT verified, {len(verdict.findings)} finding{'s' if len(verdict.findings) > 1 else ''}"


def _section(title: str, mark: str, lines: tuple[str, ...]) -> list[str]:
    return ["", title, *(f"  {mark} {line}" for line in lines)] if lines else []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"cannot be read: {error.strerror}", field=str(path), code="FILE_UNREADABLE"
        ) from error


def _policy(path: Path) -> Policy:
    try:
        return Policy.parse(_read(path))
    except Malformed as error:
        raise InvalidInput(
            f"is no trust policy: {error.message}", field=str(path), code="POLICY_MALFORMED"
        ) from error


def _key_id(text: str) -> str:
    plain = text.replace(":", "").replace(" ", "").lower()
    if len(plain) != _KEY_ID_DIGITS or not set(plain) <= set("0123456789abcdef"):
        raise InvalidInput(
            f"{text!r} is no key id: 64 hexadecimal digits are expected", field="--key", code="KEY_MALFORMED"
        )
    return plain


def document_kinds() -> Mapping[str, DocumentKind]:
    return {kind: each for room in _KINDS for kind, each in importlib.import_module(room).KINDS.items()}


def recomputers() -> Mapping[str, Recomputer]:
    return {
        kind: each
        for room in _RECOMPUTERS
        for kind, each in importlib.import_module(room).RECOMPUTERS.items()
    }
