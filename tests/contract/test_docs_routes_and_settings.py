"""docs/routes.md and docs/settings.md say what there is, or this fails.

``python tests/contract/test_docs_routes_and_settings.py`` writes docs/settings.md anew.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from datetime import timedelta
from pathlib import Path

from trust_portal import settings
from trust_portal.settings import Settings
from trust_portal.web.views import ROUTES

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """\
# Settings

Read once from the environment when a process starts. A wrong value stops it with one line that names
the variable. `trust-portal up` and `demo` set the first four themselves.

| variable | default | what it says |
|---|---|---|
"""


def settings_page() -> str:
    rows = [
        f"| `{each.name.upper()}` | {default_of(each)} | {meanings()[each.name]} |"
        for each in dataclasses.fields(Settings)
    ]
    return HEAD + "\n".join(rows) + "\n"


def default_of(field: dataclasses.Field[object]) -> str:
    value = field.default
    if value is dataclasses.MISSING:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f"`{int(value.total_seconds())}`"
    return f"`{int(value) if isinstance(value, bool) else value}`"


def meanings() -> dict[str, str]:
    """The docstring below each field; its first words say how a duration is read."""
    (tree,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(field.target, ast.Name)
            assert isinstance(text.value, ast.Constant)
            found[field.target.id] = " ".join(str(text.value.value).replace("``", "`").split())
    return found


def test_every_setting_can_be_set_and_is_explained():
    names = {each.name for each in dataclasses.fields(Settings)}
    assert set(settings._READERS) == names
    assert set(meanings()) == names


def test_the_page_of_settings_is_current():
    assert (DOCS / "settings.md").read_text() == settings_page()


def test_the_page_of_routes_names_every_route_and_who_may_use_it():
    rows = re.findall(
        r"^\| ([A-Z]+) \| `([^`]+)` \| (.+?) \| (.+?) \|$", (DOCS / "routes.md").read_text(), re.MULTILINE
    )
    served = {
        (method, re.sub(r":\w+\}", "}", route.path))
        for route in ROUTES
        for method in (route.methods or set()) - {"HEAD"}
    } | {("POST", "/graphql"), ("GET", "/static/{file}")}
    assert {(method, path) for method, path, _, _ in rows} == served
    assert len(rows) == len(served)


if __name__ == "__main__":
    (DOCS / "settings.md").write_text(settings_page())


def test_no_page_names_a_variable_of_the_environment() -> None:
    names = "|".join(each.name.upper() for each in dataclasses.fields(Settings) if "_" in each.name)
    pages = {
        path: re.findall(rf"\b(?:{names})\b", path.read_text("utf-8"))
        for path in Path(__file__).parents[2].glob("templates/**/*.html")
    }
    assert pages
    assert {str(path): found for path, found in pages.items() if found} == {}
