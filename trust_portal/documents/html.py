"""One Jinja environment for pages and print documents, so that the two cannot drift apart."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trust_portal.documents import formats
from trust_portal.documents.cards import cards
from trust_portal.documents.chosen import chosen
from trust_portal.kernel.clock import rfc3339
from trust_portal.runtime.shipped import shipped

_NOTHING: Mapping[str, Callable[..., Any]] = {}


def create_environment(
    *,
    filters: Mapping[str, Callable[..., Any]] = _NOTHING,
    names: Mapping[str, Callable[..., Any]] = _NOTHING,
    auto_reload: bool = False,
) -> Environment:
    """Templates with escaping always on and undefined names an error.

    Filters are ``formats.FILTERS``, ``cards``, ``chosen``, ``rfc3339`` and the given ones. Global names are the given ones,
    ``asset(path)``, the versioned URL of a static file, and ``integrity(path)``, its Subresource
    Integrity value.
    """
    environment = Environment(
        loader=FileSystemLoader(shipped("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=auto_reload,
        enable_async=False,
    )
    environment.filters.update(
        {**formats.FILTERS, "cards": cards, "chosen": chosen, "rfc3339": rfc3339, **filters}
    )
    environment.globals.update({**names, "asset": asset, "integrity": integrity})
    return environment


def asset(path: str) -> str:
    """``/static/<path>?v=<digest>``: a new content is a new address, so it may be cached for ever."""
    return f"/static/{path}?v={_sha(path, 'sha256').hex()[:12]}"


def integrity(path: str) -> str:
    """The ``integrity`` attribute of a static file (W3C SRI, SHA-384)."""
    return f"sha384-{base64.b64encode(_sha(path, 'sha384')).decode()}"


@lru_cache(maxsize=128)
def _sha(path: str, algorithm: str) -> bytes:
    return hashlib.new(algorithm, (shipped("static") / path).read_bytes()).digest()
