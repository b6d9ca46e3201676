"""Enums as the schema shows them, each value with what it says."""

from __future__ import annotations

from enum import Enum

import strawberry


def described(kind: type[Enum], name: str, description: str, **values: str) -> None:
    """Registers ``kind``; ``values`` says of each of its members, by name, what it means. All are said, and no other."""
    if kind.__members__.keys() != values.keys():
        raise TypeError(
            f"{name} says of {sorted(kind.__members__.keys() ^ values.keys())} too little or too much"
        )
    strawberry.enum(kind, name=name, description=description)
    for value in vars(kind)["__strawberry_definition__"].values:
        value.description = values[value.name]
