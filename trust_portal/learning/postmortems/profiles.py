"""Redaction profiles: texts with an id, which say what a copy withholds. Those that are shipped, by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from trust_portal.errors import InvalidInput, NotFound
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.text_yaml import NotYaml, load_text_yaml
from trust_portal.learning.postmortems.redaction import Place, parse_place


@dataclass(frozen=True, slots=True)
class Profile:
    """``sha256`` (hex) is of ``text``: a copy names it, so that whoever holds the text can redact anew."""

    id: str
    title: str
    withhold: tuple[Place, ...]
    text: str

    @property
    def sha256(self) -> str:
        return sha256_hex(self.text.encode())


def parse_profile(text: str) -> Profile:
    """Raises ``InvalidInput`` naming the field that is missing or wrong."""
    try:
        value = load_text_yaml(text)
    except NotYaml as error:
        raise InvalidInput(f"not a profile: {error}", field="profile") from error
    if not isinstance(value, Mapping) or value.keys() != {"id", "title", "withhold"}:
        raise InvalidInput("a profile has id, title and withhold, and nothing else", field="profile")
    for name in ("id", "title"):
        if not isinstance(value[name], str) or not value[name]:
            raise InvalidInput("not a text", field=name)
    places = value["withhold"]
    if not isinstance(places, list) or not all(isinstance(each, str) for each in places):
        raise InvalidInput("not a list of places", field="withhold")
    return Profile(value["id"], value["title"], tuple(parse_place(each) for each in places), text)


@lru_cache(maxsize=1)
def shipped_profiles() -> Mapping[str, Profile]:
    """By id, in alphabetical order."""
    folder = files("trust_portal.learning.postmortems") / "profiles"
    found = [
        parse_profile(each.read_text("utf-8")) for each in folder.iterdir() if each.name.endswith(".yaml")
    ]
    return {each.id: each for each in sorted(found, key=lambda each: each.id)}


def profile_of(id_: str) -> Profile:
    """``NotFound`` for one that is not there."""
    found = shipped_profiles().get(id_)
    if found is None:
        raise NotFound("redaction profile")
    return found
