"""VERIFY.md: how to check a bundle, written for whoever opens it years later."""

from __future__ import annotations

from trust_portal.evidence.manifest import MANIFEST, Manifest
from trust_portal.evidence.signing import VerifyKey

_STEPS: tuple[tuple[str, str, str], ...] = (
    (
        "Check everything offline",
        (
            "Nothing is fetched and no server is asked. Exit status 0 means that everything holds; each"
            " finding names a file, a field and the next step."
        ),
        "trust-portal verify {file}",
    ),
    (
        "Say whom you believe",
        (
            "A bundle cannot vouch for its own keys. Save the trust policy once, from the portal (it comes"
            " as TENANT.policy, named by your key) or from your contract's annex, and check every bundle against that copy. The fingerprint of the"
            " signing key is {key_id}."
        ),
        "trust-portal verify {file} --policy TENANT.policy",
    ),
    (
        "Without installing anything",
        (
            "Open verify.html in a browser, drop the bundle on it and compare the fingerprint. The page loads"
            " nothing and sends nothing."
        ),
        "{key_id}",
    ),
    (
        "See that history was not rewritten",
        "Give the previous bundle you received: the log must have grown from it without a change.",
        "trust-portal verify {file} --policy TENANT.policy --since PREVIOUS.zip",
    ),
    (
        "Recompute the figures",
        "They are derived again from the inputs in this bundle and compared character by character.",
        "trust-portal verify {file} --policy TENANT.policy --recompute",
    ),
    (
        "Without our software",
        (
            "{manifest} is a DSSE envelope (github.com/secure-systems-lab/dsse) around an in-toto Statement v1"
            " whose subjects are the files and their SHA-256; *.tlog-proof files are c2sp.org/tlog-proof@v1."
            " The key's fingerprint is the SHA-256 of its DER form:"
        ),
        "openssl pkey -pubin -in keys/{key_id}.pem -outform DER | sha256sum",
    ),
)
_INTRODUCTION = (
    "This bundle is a {kind} for {tenant}{period}, signed by {vendor} and entered in the log {origin}."
)


def verify_md(manifest: Manifest, vendor: str, file: str, origin: str, key: VerifyKey) -> str:
    """The instructions as Markdown."""
    words = _words(manifest, vendor, file, origin, key)
    steps = "\n".join(
        f"## {number}. {title}\n\n{text.format(**words)}\n\n    {command.format(**words)}\n"
        for number, (title, text, command) in enumerate(_STEPS, 1)
    )
    return f"# How to verify this bundle\n\n{_INTRODUCTION.format(**words)}\n\n{steps}"


def _words(manifest: Manifest, vendor: str, file: str, origin: str, key: VerifyKey) -> dict[str, str]:
    return {
        "kind": manifest.kind.replace("_", " "),
        "tenant": manifest.tenant,
        "period": f", {manifest.period}" if manifest.period else "",
        "vendor": vendor,
        "file": file,
        "origin": origin,
        "key_id": key.key_id,
        "manifest": MANIFEST,
    }
