"""Relay connections over the house's cursor pages. ``first`` or ``last`` is required and at most 100."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from trust_portal.errors import InvalidInput
from trust_portal.kernel.page import Page, PageRequest

_PAGING: Final = "paging"
_ARGUMENTS: Final[Mapping[str, tuple[Any, str | None]]] = {
    "first": (int | None, "How many from the start, 1 to 100."),
    "after": (str | None, None),
    "last": (int | None, "How many from the end, 1 to 100."),
    "before": (str | None, None),
}

Node = TypeVar("Node")
Row = TypeVar("Row")


@strawberry.type(description="Where a page lies within its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One row and the cursor to continue from it.")
class Edge(Generic[Node]):
    cursor: str
    node: Node


@strawberry.type(description="One page of a list, in display order.")
class Connection(Generic[Node]):
    page_info: PageInfo
    edges: list[Edge[Node]]
    nodes: list[Node]


def page_request(
    first: int | None, after: str | None, last: int | None = None, before: str | None = None
) -> PageRequest:
    """Relay's arguments as a ``PageRequest``; ``InvalidInput`` unless exactly one way is asked for."""
    if (first is None) == (last is None):
        raise InvalidInput("give first or last, one of them", field="first")
    if first is not None:
        if before is not None:
            raise InvalidInput("before goes with last", field="before")
        return PageRequest(first, after=after)
    if after is not None or before is None:
        raise InvalidInput("last goes with before, and without after", field="last")
    return PageRequest(last or 0, before=before)


def paged(*, description: str) -> Any:
    """A field whose resolver is given Relay's four arguments as one ``paging: PageRequest``."""
    return strawberry.field(description=description, extensions=[_Paging()])


class _Paging(FieldExtension):
    """In the schema Relay's four arguments stand where the resolver has ``paging``."""

    def apply(self, field: StrawberryField) -> None:
        others = [each for each in field.arguments if each.python_name not in {*_ARGUMENTS, _PAGING}]
        field.arguments = [
            *(
                StrawberryArgument(name, None, StrawberryAnnotation(kind), description=words, default=None)
                for name, (kind, words) in _ARGUMENTS.items()
            ),
            *others,
        ]

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **given: Any
    ) -> Any:
        asked = {name: given.pop(name, None) for name in _ARGUMENTS}
        return await next_(source, info, **{_PAGING: page_request(**asked)}, **given)


def connection(page: Page[Row], node: Callable[[Row], Node]) -> Connection[Node]:
    """A page of rows as a connection of nodes."""
    nodes = [node(item) for item in page.items]
    return Connection(
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
        edges=[Edge(cursor=cursor, node=item) for cursor, item in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
    )
