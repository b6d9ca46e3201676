"""What one request may make of the house: reads of the same kind in one, and few at a time.

Siblings of a document run at once. Without a bound a single document of a hundred nodes waits in a hundred places
for one of the engine's connections, and everybody else behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, cast

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.field import StrawberryField

#: Resolvers of one request that may wait for the house at a time. A fifth of the engine's connections.
AT_ONCE = 4

_WEIGHT, _GATHERED = "weight", "gathered"


def weighs(weight: int) -> dict[str, Any]:
    """Metadata of a field that is work and not only reading: counts as so many fields (``schema.limits``)."""
    return {_WEIGHT: weight}


#: Metadata of a field that waits for a loader: its siblings are answered by one read, so none waits for its turn.
GATHERED: dict[str, Any] = {_GATHERED: True}


def weight_of(parent: GraphQLObjectType | GraphQLInterfaceType, name: str) -> int:
    """What asking for the field counts; 1 where nothing is said."""
    return cast("int", _metadata(parent, name).get(_WEIGHT, 1))


def _metadata(parent: GraphQLObjectType | GraphQLInterfaceType, name: str) -> dict[Any, Any]:
    field = parent.fields.get(name)
    declared = None if field is None else field.extensions.get("strawberry-definition")
    return dict(declared.metadata) if isinstance(declared, StrawberryField) else {}


class FewAtOnce(SchemaExtension):
    """Lets ``AT_ONCE`` resolvers of a request wait at a time; a resolver's children come after it, never within."""

    def __init__(self, *, execution_context: ExecutionContext | None = None) -> None:
        super().__init__(execution_context=execution_context)
        self._turns = asyncio.Semaphore(AT_ONCE)

    def resolve(
        self,
        _next: Callable[..., Any],
        root: object,
        info: GraphQLResolveInfo[Any],
        *args: str,
        **kwargs: object,
    ) -> object:
        found = _next(root, info, *args, **kwargs)
        if isawaitable(found) and _GATHERED not in _metadata(info.parent_type, info.field_name):
            return self._in_turn(found)
        return found

    async def _in_turn(self, found: Awaitable[object]) -> object:
        async with self._turns:
            return await found
