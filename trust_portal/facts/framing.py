"""From a body to raw events, in chunks: one event, a batch (JSON array) or NDJSON as it streams in.

A chunk bounds both memory and one transaction. Nothing here looks into an event: a malformed one
must not spoil its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from typing import Final

import msgspec

from trust_portal.errors import Refused
from trust_portal.facts.reading import MAX_EVENT_BYTES

#: Large enough that a commit's flush to disk weighs little on each event.
CHUNK_EVENTS: Final = 4000
CHUNK_BYTES: Final = 4 * 1024 * 1024

_split_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
# A string that never ends is one token up to the end of the text: if it were none, the search would
# begin again at each quotation mark in it, and take the square of the body's length.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)|[\[\]{},]', re.DOTALL)


def split_batch(body: bytes) -> list[bytes]:
    """The elements of a JSON array, unread. ``Refused`` if the body is no array at all."""
    try:
        return [bytes(raw) for raw in _split_array(body)]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # One bad element makes the whole text bad JSON. Its brackets may still show where it ends.
        return list(_split_by_brackets(body))


def _split_by_brackets(body: bytes) -> Iterator[bytes]:
    text = body.strip(b" \t\r\n")
    if not (text.startswith(b"[") and text.endswith(b"]")):
        raise Refused("the body is no JSON array of events", code="MALFORMED")
    depth, start, closed = 0, 1, False
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth == 0:
                closed = token.end() == len(text)
                break
        if depth == 1 and mark == b",":
            yield text[start : token.start()].strip()
            start = token.end()
    if not closed:
        raise Refused("the body is no JSON array of events", code="MALFORMED")
    yield text[start:-1].strip()


async def whole(events: Sequence[bytes]) -> AsyncIterator[list[bytes]]:
    """Events that are all here already, in chunks."""
    for start in range(0, len(events), CHUNK_EVENTS):
        yield list(events[start : start + CHUNK_EVENTS])


async def lines(stream: AsyncIterable[bytes]) -> AsyncIterator[list[bytes]]:
    """The non-blank lines of a stream, in chunks.

    Memory stays bounded: of a line beyond ``MAX_EVENT_BYTES`` only enough is kept to see that it
    is too long.
    """
    chunk: list[bytes] = []
    size = 0
    async for some in _whole_lines(stream):
        for line in some:
            if not (line := line.strip(b" \t\r")):
                continue
            chunk.append(line)
            size += len(line)
            if len(chunk) >= CHUNK_EVENTS or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


async def _whole_lines(stream: AsyncIterable[bytes]) -> AsyncIterator[list[bytes]]:
    """Lines as far as each part of the stream completes them; the last needs no line feed."""
    rest = b""
    async for part in stream:
        *complete, rest = (rest + part).split(b"\n")
        yield complete
        if len(rest) > MAX_EVENT_BYTES:
            rest = rest[: MAX_EVENT_BYTES + 1]
    yield [rest]
