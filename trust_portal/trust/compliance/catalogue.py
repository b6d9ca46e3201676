"""The control catalogue, read once from ``controls.yaml``. Its digest is in every evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from trust_portal.errors import Broken
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.text_yaml import NotYaml, load_text_yaml
from trust_portal.trust.compliance.model import Catalogue, Control, Party

_FILE: Final = "controls.yaml"

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Words = Annotated[str, Meta(min_length=1, max_length=1000)]
Days = Annotated[int, Meta(ge=1, le=3660)]


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: Words
    statement: Words
    method: Words
    parties: Annotated[frozenset[Party], Meta(min_length=1)]
    inherited: bool
    within_days: Days
    every_days: Days
    max_age_days: Days
    references: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def shipped_catalogue() -> Catalogue:
    """The catalogue that came with this program."""
    return parse_catalogue((files("trust_portal.trust.compliance") / _FILE).read_text("utf-8"))


def parse_catalogue(text: str) -> Catalogue:
    """Raises ``Broken`` naming the control and what is wrong with it."""
    try:
        entries = msgspec.convert(load_text_yaml(text), dict[Id, _Entry], strict=False)
    except (NotYaml, msgspec.ValidationError) as error:
        raise Broken(f"{_FILE}: {error}", code="BAD_CATALOGUE") from error
    controls = tuple(_control(id_, entry) for id_, entry in sorted(entries.items()))
    for each in controls:
        if each.max_age < each.every:
            raise Broken(f"{_FILE}: {each.id}: it may not age before it is due", code="BAD_CATALOGUE")
        if each.inherited and Party.HOUSE not in each.parties:
            raise Broken(f"{_FILE}: {each.id}: only the vendor's is inherited", code="BAD_CATALOGUE")
    return Catalogue(sha256_hex(text.encode()), controls)


def _control(id_: str, entry: _Entry) -> Control:
    within = str(entry.within_days)
    return Control(
        id=id_,
        title=entry.title,
        statement=entry.statement.replace("{within}", within),
        method=entry.method.replace("{within}", within),
        parties=entry.parties,
        inherited=entry.inherited,
        within=timedelta(days=entry.within_days),
        every=timedelta(days=entry.every_days),
        max_age=timedelta(days=entry.max_age_days),
        references=dict(sorted(entry.references.items())),
    )
