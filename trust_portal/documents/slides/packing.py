"""Office files whose bytes depend on what is in them alone: sorted entries, one time, no clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_TYPES: Final = "[Content_Types].xml"
#: The first day that a ZIP entry can name (APPNOTE 4.4.6); when a document was made stands in its properties.
_DAY: Final = (1980, 1, 1, 0, 0, 0)
_STAMP: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def always_the_same(package: bytes, created: datetime) -> bytes:
    """An Open Packaging file (ECMA-376 part 2) packed anew: the type list first, then by name.

    The workbooks behind charts are packed likewise, and say ``created`` for their own time.
    """
    stamp = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = BytesIO()
    with ZipFile(BytesIO(package)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda each: (each != _TYPES, each)):
            content = old.read(name)
            if name.endswith(".xlsx"):
                content = always_the_same(content, created)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>" + stamp + rb"\g<2>", content)
            entry = ZipInfo(name, _DAY)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, content, compresslevel=9)
    return out.getvalue()
