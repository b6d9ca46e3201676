"""Keyset pages over one ordering: stable under inserts, and as cheap on page 1,000 as on page 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, tuple_

from trust_portal.errors import InvalidInput
from trust_portal.kernel.page import Page, PageRequest, decode_cursor, encode_cursor
from trust_portal.storage.unit_of_work import ReadSession

T = TypeVar("T")


async def keyset_page(
    session: ReadSession,
    query: Select[Any],
    request: PageRequest,
    *,
    order: Sequence[ColumnElement[Any]],
    parse: Sequence[Callable[[str], object]],
    read: Callable[[Row[Any]], T],
    key: Callable[[T], Sequence[str]],
    descending: bool = False,
) -> Page[T]:
    """One page of ``query`` along ``order`` (a unique key, one direction).

    ``key`` gives an item's sort key as text and ``parse`` turns each part back. Raises
    ``InvalidInput`` for a cursor of another list.
    """
    backwards = request.before is not None
    cursor = request.before or request.after
    if cursor is not None:
        mark = tuple_(*_bound(cursor, parse))
        row = tuple_(*order)
        query = query.where(row < mark if descending != backwards else row > mark)
    falling = descending != backwards
    query = query.order_by(*(column.desc() if falling else column.asc() for column in order))
    rows = (await session.execute(query.limit(request.size + 1))).all()
    more = len(rows) > request.size
    items = [read(each) for each in rows[: request.size]]
    if backwards:
        items.reverse()
    return Page(
        items=tuple(items),
        cursors=tuple(encode_cursor(*key(item)) for item in items),
        has_next=backwards or more,
        has_previous=more if backwards else request.after is not None,
    )


def _bound(cursor: str, parse: Sequence[Callable[[str], object]]) -> list[object]:
    parts = decode_cursor(cursor, len(parse))
    try:
        return [read(part) for read, part in zip(parse, parts, strict=True)]
    except ValueError as error:
        raise InvalidInput("this cursor belongs to another list", field="cursor") from error
