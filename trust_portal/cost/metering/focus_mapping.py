"""How an operator says that rows of a cost export are to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml

from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.errors import InvalidInput

COSTS: Final = ("BilledCost", "EffectiveCost")
_NO_KEY: Final = re.compile(r"[^a-z0-9._-]+")
_PARTS: Final = frozenset({"cost", "tenant_from", "subsystems", "tenants"})


@dataclass(frozen=True, slots=True)
class TenantFrom:
    """Where a row says whose it is: a tag or a column of that name."""

    is_tag: bool
    name: str

    @classmethod
    def parse(cls, text: str) -> TenantFrom:
        """``tag:NAME`` or ``column:NAME``."""
        kind, _, name = text.partition(":")
        if kind not in {"tag", "column"} or not name:
            raise InvalidInput(f"{text!r} is neither tag:NAME nor column:NAME", field="tenant_from")
        return cls(kind == "tag", name)

    def __str__(self) -> str:
        return f"{'tag' if self.is_tag else 'column'}:{self.name}"


@dataclass(frozen=True, slots=True)
class FocusMapping:
    """``subsystems``: ServiceCategory → subsystem, compared without regard to case; ``tenants``: what
    stands in the row → key, where the one does not simply become the other.
    """

    cost: str
    tenant_from: TenantFrom
    subsystems: Mapping[str, str]
    tenants: Mapping[str, str] = field(default_factory=dict)

    def subsystem(self, category: str) -> str | None:
        return self.subsystems.get(category.casefold())

    def tenant(self, name: str) -> str:
        """The external key for what a row calls a tenant: as mapped, or spelled as keys are.

        "Atlas Orion" is looked for as ``atlas-orion``.
        """
        return self.tenants.get(name) or _NO_KEY.sub("-", name.casefold()).strip("-._")

    def with_tenant_from(self, text: str | None) -> FocusMapping:
        return self if text is None else replace(self, tenant_from=TenantFrom.parse(text))


def load_mapping(path: Path | None = None) -> FocusMapping:
    """The operator's file, or the one that is shipped. ``InvalidInput`` names what is wrong with it."""
    source = files("trust_portal.cost.metering") / "focus_mapping.yaml" if path is None else path
    try:
        document = yaml.safe_load(source.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"not a readable YAML file: {error}", field="mapping") from error
    if not isinstance(document, dict) or not isinstance(document.get("subsystems"), dict):
        raise InvalidInput("a mapping has cost, tenant_from and subsystems", field="mapping")
    if unknown := sorted(map(str, document.keys() - _PARTS)):
        raise InvalidInput(f"nothing is called {', '.join(unknown)} here", field="mapping")
    cost = document.get("cost", COSTS[0])
    if cost not in COSTS:
        raise InvalidInput(f"cost is one of {', '.join(COSTS)}", field="mapping")
    tenants = document.get("tenants") or {}
    if not isinstance(tenants, dict):
        raise InvalidInput("tenants is a list of NAME: key", field="mapping")
    for category, subsystem in document["subsystems"].items():
        if subsystem not in SUBSYSTEMS:
            raise InvalidInput(
                f"{category}: {subsystem!r} is none of {', '.join(SUBSYSTEMS)}", field="mapping"
            )
    return FocusMapping(
        cost=cost,
        tenant_from=TenantFrom.parse(str(document.get("tenant_from", "tag:tenant"))),
        subsystems={str(name).casefold(): value for name, value in document["subsystems"].items()},
        tenants={str(name): str(key) for name, key in tenants.items()},
    )
