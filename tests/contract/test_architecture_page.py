"""docs/architecture.md names the rooms there are, and places that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ROOMS = PAGE[: PAGE.index("## How a request flows")]
TABLE = PAGE[PAGE.index("## Where something new goes") :]


def exists(name: str) -> bool:
    """A path from the root or from the package, or the end of one."""
    if (ROOT / name).exists() or (ROOT / "trust_portal" / name).exists():
        return True
    return any(True for folder in ("trust_portal", "tests") for _ in (ROOT / folder).glob(f"**/{name}"))


def test_every_room_has_its_row() -> None:
    rooms = {each.parent.name for each in (ROOT / "trust_portal").glob("*/__init__.py")}
    named = set(re.findall(r"`(?:trust_portal/)?([a-z]+)/`", ROOMS))
    assert rooms - named == set()


@pytest.mark.parametrize("name", sorted({*re.findall(r"`([a-z_./]+(?:/|\.py|\.yaml))`", TABLE)}))
def test_what_one_more_of_a_kind_touches_is_there(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("link", sorted({*re.findall(r"\]\(([^)]+)\)", PAGE)}))
def test_its_links_lead_somewhere(link: str) -> None:
    page, _, chapter = link.partition("#")
    text = (ROOT / "docs" / page).read_text() if page.endswith(".md") else ""
    assert (ROOT / "docs" / page).exists()
    assert not chapter or chapter in {
        each.lower().replace(" ", "-") for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
