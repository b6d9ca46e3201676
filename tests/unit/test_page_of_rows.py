"""A page of rows that are all at hand: forwards, backwards, and where a row is gone since."""

from __future__ import annotations

import pytest

from trust_portal.errors import InvalidInput
from trust_portal.kernel.page import Page, PageRequest, encode_cursor, page_of

ROWS = ("a", "b", "c", "d", "e")


def asked(
    rows: tuple[str, ...], size: int, *, after: str | None = None, before: str | None = None
) -> Page[str]:
    return page_of(rows, lambda each: (each,), PageRequest(size, after, before))


def test_forwards_and_backwards_every_row_comes_once() -> None:
    first = asked(ROWS, 2)
    assert (first.items, first.has_previous, first.has_next) == (("a", "b"), False, True)
    second = asked(ROWS, 2, after=first.cursors[-1])
    assert (second.items, second.has_previous, second.has_next) == (("c", "d"), True, True)
    last = asked(ROWS, 2, after=second.cursors[-1])
    assert (last.items, last.has_previous, last.has_next) == (("e",), True, False)
    assert asked(ROWS, 2, before=last.cursors[0]) == second
    assert asked(ROWS, 9, before=second.cursors[0]).items == ("a", "b")
    assert asked(ROWS, 1, before=encode_cursor("z")).items == ("e",)


def test_a_row_that_is_gone_leaves_its_place() -> None:
    assert asked(("a", "d", "e"), 2, after=encode_cursor("c")).items == ("d", "e")
    assert asked(("a", "d", "e"), 2, before=encode_cursor("c")).items == ("a",)


def test_of_nothing_there_is_one_page() -> None:
    assert asked((), 3) == Page((), (), has_next=False, has_previous=False)
    assert asked((), 3, after=encode_cursor("c")).items == ()


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidInput):
        asked(ROWS, 2, after=encode_cursor("c", "d"))
