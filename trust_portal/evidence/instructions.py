"""VERIFY.md: how to check a bundle, written for whoever opens it years later."""

from __future__ import annotations

from trust_portal.evidence.manifest import MANIFEST, Manifest
from trust_portal.evidence.signing import VerifyKey

#: Title, text and command of each step; the text says what stands for what, and with which status it ends.
_STEPS: tuple[tuple[str, str, str], ...] = (
    (
        "Check that it is whole",
        (
            "Nothing is fetched and no server is asked. As long as you have not said whom you believe, the best"
            " answer is UNPINNED, exit status 1: intact, but nothing outside the bundle vouches for its key."
        ),
        "trust-portal verify {file}",
    ),
    (
        "Say whom you believe",
        (
            "A bundle cannot vouch for its own keys. Save the trust policy once, from the portal or from your"
            " contract's annex, and check every bundle against that copy. In the commands here TENANT.policy"
            " stands for that file; the portal saves it under your key, as in acme.policy. Exit status 0: the"
            " bundle holds."
        ),
        "trust-portal verify {file} --policy TENANT.policy",
    ),
    (
        "Without installing anything",
        (
            "Open verify.html in a browser and drop the bundle on it. The page loads nothing and sends nothing."
            " Compare the fingerprint that it shows with the one you were given another way than by this bundle;"
            " the signer of this bundle says it is"
        ),
        "{key_id}",
    ),
    (
        "See that history was not rewritten",
        (
            "Give the bundle that you received directly before this one, in place of PREVIOUS.zip: the log must"
            " have grown from it without a change. Exit status 0: this bundle and that one hold, and it has."
        ),
        "trust-portal verify {file} --policy TENANT.policy --since PREVIOUS.zip",
    ),
    (
        "Recompute the figures",
        (
            "They are derived again from the inputs in this bundle and compared character by character. Exit"
            " status 0: the bundle holds, and every figure came out the same."
        ),
        "trust-portal verify {file} --policy TENANT.policy --recompute",
    ),
    (
        "Without our software",
        (
            "{manifest} is a DSSE envelope (github.com/secure-systems-lab/dsse) around an in-toto Statement v1"
            " whose subjects are the files and their SHA-256; *.tlog-proof files are c2sp.org/tlog-proof@v1."
            " The key's fingerprint is the SHA-256 of its DER form; this prints it, and it must be the one of"
            " step 3:"
        ),
        "openssl pkey -pubin -in keys/{key_id}.pem -outform DER | sha256sum",
    ),
)
_STATUS = (
    "Every trust-portal command above ends with exit status 0 if all that it was asked for holds; with 1 if"
    " something does not, UNPINNED included, and each finding names a file, a field and the next step; and with"
    " 2 if a file cannot be read as what it should be, or an option cannot be used: then nothing was verified."
)
_INTRODUCTION = (
    "This bundle is {kind} for {tenant}{period}, signed by {vendor} and entered in the log {origin}."
)


#: By the manifest's kind, as a sentence says it.
CALLED = {
    "compliance": "an evaluation of compliance controls",
    "credit-memo": "a credit memo",
    "postmortem": "a postmortem",
    "postmortem-copy": "a customer's copy of a postmortem",
    "qbr": "a business review",
    "sla-report": "an SLA report",
    "trust-report": "a Trust Report",
}


def verify_md(manifest: Manifest, vendor: str, file: str, origin: str, key: VerifyKey) -> str:
    """The instructions as Markdown."""
    words = _words(manifest, vendor, file, origin, key)
    steps = "\n".join(
        f"## {number}. {title}\n\n{text.format(**words)}\n\n    {command.format(**words)}\n"
        for number, (title, text, command) in enumerate(_STEPS, 1)
    )
    return f"# How to verify this bundle\n\n{_INTRODUCTION.format(**words)}\n\n{steps}\n## Exit status\n\n{_STATUS}\n"


def _words(manifest: Manifest, vendor: str, file: str, origin: str, key: VerifyKey) -> dict[str, str]:
    return {
        "kind": CALLED.get(manifest.kind, f"a document of kind {manifest.kind}"),
        "tenant": manifest.tenant,
        "period": f", {manifest.period}" if manifest.period else "",
        "vendor": vendor,
        "file": file,
        "origin": origin,
        "key_id": key.key_id,
        "manifest": MANIFEST,
    }


def verify_command(file_name: str, tenant_key: str) -> str:
    """What checks a tenant's bundle, by the policy as the portal saves it."""
    return f"trust-portal verify {file_name} --policy {tenant_key}.policy --recompute"
