"""Which key service ``KEY_SERVICE`` names, as a URL.

``file:`` is a folder on this machine (``key_files``). Another scheme is looked for among the entry points of the
group ``trust_portal.key_services``: a callable that takes the URL. It is asked over a network, so it is waited for
so long and no longer (``patience``).
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from trust_portal.errors import InvalidInput
from trust_portal.evidence.sealing.key_files import KeyFiles
from trust_portal.evidence.sealing.key_service import KeyService
from trust_portal.evidence.sealing.patience import Patient

GROUP: Final = "trust_portal.key_services"


def open_key_service(url: str) -> KeyService:
    """``InvalidInput`` (field ``KEY_SERVICE``) where nothing here knows the scheme."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return KeyFiles(Path(unquote(parts.path)))
    for found in entry_points(group=GROUP, name=parts.scheme):
        return Patient(found.load()(url))
    raise InvalidInput(f"no key service is installed for {parts.scheme}:", field="KEY_SERVICE")
