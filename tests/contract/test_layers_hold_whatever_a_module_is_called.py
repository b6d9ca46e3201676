"""What pyproject.toml says of ``repository``, ``tables`` and ``model`` holds for ``<noun>_repository`` and the like.

import-linter's wildcards stand for whole names, so that a module with a longer one would escape its contracts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest

ROOT = Path(__file__).parents[2]
DOORS = ("schema", "jobs", "trust_portal.web")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("trust_portal", "schema", "jobs", include_external_packages=True, cache_dir=None)


def contract(name: str) -> dict[str, Any]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(each for each in contracts if each["name"] == name)


def called(module: str, *kinds: str) -> bool:
    """Whether a module, or a package that it lies in, is of a kind: ``repository`` or ``credits_repository``."""
    return module.startswith("trust_portal.") and any(
        part == kind or part.endswith(f"_{kind}") for part in module.split(".") for kind in kinds
    )


def reached(modules: set[str], forbidden: set[str]) -> Iterator[str]:
    """Chains from ``modules`` to what is forbidden, directly or not."""
    for module in sorted(modules):
        for each in sorted(graph().find_upstream_modules(module) & forbidden):
            yield " → ".join(graph().find_shortest_chain(module, each) or ())


def test_no_door_knows_a_repository_or_tables() -> None:
    doors = {each for each in graph().modules if any(f"{each}.".startswith(f"{door}.") for door in DOORS)}
    assert len(doors) > 100
    found = {
        f"{door} imports {each}"
        for door in doors
        for each in graph().find_modules_directly_imported_by(door)
        if called(each, "repository", "tables")
    }
    assert found == set()


def test_no_model_does_io() -> None:
    forbidden = set(contract("Models and named calculations do no IO")["forbidden_modules"])
    models = {each for each in graph().modules if called(each, "model")}
    assert len([each for each in models if each.endswith("_model")]) >= 9
    assert list(reached(models, forbidden)) == []


def test_no_model_knows_what_is_above_it() -> None:
    models = {each for each in graph().modules if called(each, "model")}
    found = {
        f"{model} imports {each}"
        for model in models
        for each in graph().find_modules_directly_imported_by(model)
        if called(each, "repository", "tables", "service")
    }
    assert found == set()


@pytest.mark.parametrize(
    ("module", "is_one"),
    [
        ("trust_portal.access.approvals.repository", True),
        ("trust_portal.access.approvals.inbox_repository", True),
        ("trust_portal.access.policy_change.tables", True),
        ("trust_portal.notify.stables", False),
        ("elsewhere.repository", False),
    ],
)
def test_a_kind_is_told_by_the_end_of_a_name(module: str, is_one: bool) -> None:
    assert called(module, "repository", "tables") is is_one


def test_no_layer_of_the_house_is_optional() -> None:
    """import-linter passes over a layer in parentheses that is not there, under a new name for example."""
    layers = contract("The rooms of the house, from the roof down")["layers"]
    assert [each for each in layers if "(" in each] == []
