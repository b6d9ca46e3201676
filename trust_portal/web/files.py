"""Files handed out: named, typed, never sniffed, with their digest where one is stored."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

from starlette.responses import Response


def attachment(content: bytes, media_type: str, name: str, sha256: str | None = None) -> Response:
    """A download (RFC 6266), with ``Repr-Digest`` (RFC 9530) when the hex SHA-256 is known."""
    # The plain name is for programs that read no other (RFC 6266 §4.3), such as curl -J.
    plain = re.sub(r'[^ -~]|["\\]', "_", name)
    headers = {"content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}
    if sha256 is not None:
        headers["repr-digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    return Response(content, media_type=media_type, headers=headers)
