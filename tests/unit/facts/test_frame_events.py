"""Bodies into raw events, without one bad event spoiling its neighbours."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import Refused
from trust_portal.facts import framing
from trust_portal.facts.framing import lines, split_batch, whole
from trust_portal.facts.reading import MAX_EVENT_BYTES


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"[]", []),
        (b' [{"a": [1, {"b": "],["}]} , 2] ', [b'{"a": [1, {"b": "],["}]}', b"2"]),
        (b'[{"a": NaN}, {"b": "]\\""}]', [b'{"a": NaN}', b'{"b": "]\\""}']),
        (b"[1,,2]", [b"1", b"", b"2"]),
        (b"[" + b"[" * 5000 + b"]" * 5000 + b",2]", [b"[" * 5000 + b"]" * 5000, b"2"]),
    ],
)
def test_a_batch_falls_into_its_elements(body: bytes, events: list[bytes]) -> None:
    assert split_batch(body) == events


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"[{]", b"[1]]", b"[1][2]", b"nonsense"])
def test_a_body_that_is_no_array_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        split_batch(body)
    assert (caught.value.status, caught.value.code) == (400, "MALFORMED")


async def _stream(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@given(st.lists(st.integers(1, 30)), st.booleans())
async def test_lines_are_whole_wherever_the_stream_is_cut(cuts: list[int], ended: bool) -> None:
    body = b'{"a":1}\r\n\n  {"b":2}\n{"c":3}' + b"\n" * ended
    parts, at = [], 0
    for cut in cuts:
        parts.append(body[at : at + cut])
        at += cut
    chunks = [chunk async for chunk in lines(_stream([*parts, body[at:]]))]
    assert chunks == [[b'{"a":1}', b'{"b":2}', b'{"c":3}']]


async def test_an_endless_line_is_cut_short_and_the_next_one_is_whole() -> None:
    part = b"x" * 65_536
    [[long, next_]] = [chunk async for chunk in lines(_stream([part] * 200 + [b"\n{}"]))]
    assert MAX_EVENT_BYTES < len(long) <= MAX_EVENT_BYTES + 1 + len(part)
    assert next_ == b"{}"


async def test_chunks_are_bounded_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "CHUNK_EVENTS", 3)
    monkeypatch.setattr(framing, "CHUNK_BYTES", 20)
    body = b"1\n2\n3\n4\n" + b"x" * 20 + b"\n5\n"
    assert [chunk async for chunk in lines(_stream([body]))] == [
        [b"1", b"2", b"3"],
        [b"4", b"x" * 20],
        [b"5"],
    ]
    assert [chunk async for chunk in whole([b"1", b"2", b"3", b"4"])] == [[b"1", b"2", b"3"], [b"4"]]


def test_a_string_that_never_ends_costs_its_length_and_not_its_square() -> None:
    body = b"[" + b'\\"' * 200_000 + b"]"
    began = time.process_time()
    with pytest.raises(Refused):
        split_batch(body)
    # Tenths of a second; the square would be an hour.
    assert time.process_time() - began < 30
