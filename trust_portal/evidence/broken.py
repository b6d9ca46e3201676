"""A bundle that must not verify, to try a verifier on."""

from __future__ import annotations

from trust_portal.errors import Broken
from trust_portal.evidence import bundle
from trust_portal.evidence.manifest import MANIFEST

#: A decimal digit with its lowest bit flipped is another decimal digit: 0↔1, 2↔3 … 8↔9.
_LOWEST_BIT = 1


def with_one_digit_changed(archive: bytes) -> tuple[bytes, str]:
    """The same bundle, packed as before and well formed, and the file in which one digit is another.

    The digit is the one nearest the middle of the document's JSON: a single changed figure is what a forger
    would hope goes unseen. The same bundle gives the same bytes.
    """
    files = dict(bundle.read(archive).files)
    names = [
        each for each in sorted(files) if each.endswith(".json") and "/" not in each and each != MANIFEST
    ]
    for name in names:
        content = bytearray(files[name])
        middle = len(content) // 2
        digits = [at for at, byte in enumerate(content) if 0x30 <= byte <= 0x39]
        if digits:
            content[min(digits, key=lambda at: abs(at - middle))] ^= _LOWEST_BIT
            return bundle.build({**files, name: bytes(content)}), name
    raise Broken("a bundle holds no document", code="NO_DOCUMENT")
