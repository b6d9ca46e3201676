"""A name with its value, wherever one stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import strawberry


@strawberry.type(description="A name and its value: of a target, a parameter, a label, or a part of usage.")
class NamedValue:
    name: str
    value: str = strawberry.field(description="Empty: what has no such name, of a part of usage.")


@strawberry.input(description="A name and its value: of a label, or a part of usage.")
class NamedValueInput:
    name: str
    value: str


def named_values(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[NamedValue]:
    pairs = values.items() if isinstance(values, Mapping) else values
    return [NamedValue(name=name, value=value) for name, value in pairs]
