"""Whatever answers instead of a Prometheus: a reading that says why it is none, never a crash or a wait."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from trust_portal.errors import InvalidInput
from trust_portal.kernel.clock import ManualClock
from trust_portal.reliability.contracts.model import Sla
from trust_portal.reliability.crosscheck.credentials import Admission
from trust_portal.reliability.crosscheck.model import Question, SourceDefinition, Span
from trust_portal.reliability.crosscheck.prometheus import MOST_BYTES, Prometheus

START = datetime(2026, 6, 30, tzinfo=UTC)
SPAN = Span(START, START + timedelta(hours=2))
ENDS = [int((START + timedelta(hours=each)).timestamp()) for each in (1, 2)]

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """A server on loopback; ``handler`` is given each request's bytes and writes what it likes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await handler(head + await reader.readexactly(length), writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def answering(body: bytes, status: str = "200 OK", *headers: str) -> Handler:
    async def handle(_: bytes, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)

    return handle


def success(result: object, kind: str = "matrix") -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def matrix(*values: object) -> bytes:
    return success([{"metric": {}, "values": values}])


async def asked(url: str, clock: ManualClock, *, patience: float = 20, **more: object):
    source = SourceDefinition(url=url, total="requests_total", good="good_total", **more)
    prometheus = Prometheus(clock, Admission(), patience=patience)
    try:
        question = Question("api", source, 1, UUID(int=1), SPAN, source.counters(Sla("api", 1)))
        (reading,) = await prometheus.read([question])
    finally:
        await prometheus.close()
    assert reading.counters == () or reading.failure is None
    return reading


WRONG = {
    "no JSON": (b"<html>Bad gateway</html>", "CROSS_CHECK_MALFORMED", "not an answer of a Prometheus"),
    "not UTF-8": (b'{"status": "\xff"}', "CROSS_CHECK_MALFORMED", "not an answer of a Prometheus"),
    "nothing": (b"", "CROSS_CHECK_MALFORMED", "not an answer of a Prometheus"),
    "a list": (b"[]", "CROSS_CHECK_MALFORMED", "not an answer of a Prometheus"),
    "very deep": (b'{"a":' * 100_000, "CROSS_CHECK_MALFORMED", "not an answer of a Prometheus"),
    "no data": (b'{"status": "success"}', "CROSS_CHECK_MALFORMED", "the answer is no matrix"),
    "another kind": (success([], "string"), "CROSS_CHECK_MALFORMED", "the answer is no matrix"),
    "an error": (
        b'{"status": "error", "error": "too\\u0000 many\\u202e samples"}',
        "CROSS_CHECK_REFUSED",
        "it answered HTTP 200: too many samples",
    ),
    "a float": (matrix([ENDS[0], "60.5"]), "CROSS_CHECK_MALFORMED", "'60.5' at 2026-06-30T01:00:00Z is no"),
    "a number": (matrix([ENDS[0], 60]), "CROSS_CHECK_MALFORMED", "not an answer of a Prometheus"),
    "NaN": (matrix([ENDS[0], "NaN"]), "CROSS_CHECK_MALFORMED", "'NaN' at 2026-06-30T01:00:00Z is no whole"),
    "infinite": (matrix([ENDS[0], "+Inf"]), "CROSS_CHECK_MALFORMED", "'+Inf'"),
    "endless digits": (
        matrix([ENDS[0], "9" * 5000]),
        "CROSS_CHECK_MALFORMED",
        "is no whole number up to 2^53",
    ),
    "another instant": (matrix([ENDS[0] + 1, "60"]), "CROSS_CHECK_MALFORMED", "which was not asked for"),
    "an instant twice": (
        matrix([ENDS[0], "61"], [ENDS[0], "61"]),
        "CROSS_CHECK_MALFORMED",
        "two values at 2026-06-30T01:00:00Z",
    ),
    "no time at all": (matrix([1e308, "61"]), "CROSS_CHECK_MALFORMED", "which was not asked for"),
    "two series": (
        success([{"metric": {"a": "1"}, "values": []}, {"metric": {"a": "2"}, "values": []}]),
        "CROSS_CHECK_AMBIGUOUS",
        '2 series match where one must: {a="1"}; {a="2"}',
    ),
    "no series": (success([]), "CROSS_CHECK_NO_SERIES", "no series matches requests_total{} in the span"),
    "too much": (b" " * (MOST_BYTES + 1), "CROSS_CHECK_MALFORMED", "more than 1024 KiB"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_an_answer_that_is_none_is_named(name: str, clock: ManualClock):
    body, code, words = WRONG[name]

    async def handle(request: bytes, writer: asyncio.StreamWriter) -> None:
        usual = success([], "vector") if b"/query HTTP" in request else body
        await answering(usual)(request, writer)

    async with server(handle) as url:
        reading = await asked(url, clock)
    assert reading.failure is not None
    assert reading.failure.code == code
    assert words in reading.failure.message
    assert len(reading.failure.message) < 700
    assert reading.failure.message.isprintable()


@pytest.mark.parametrize(
    "handler, code, words",
    [
        (answering(b"", "401 Unauthorized"), "CROSS_CHECK_REFUSED", "it answered HTTP 401"),
        (answering(b"oh", "502 Bad Gateway"), "CROSS_CHECK_REFUSED", "it answered HTTP 502"),
        (
            answering(b'{"status":"error","error":"no"}', "503 Unavailable"),
            "CROSS_CHECK_REFUSED",
            "it answered HTTP 503: no",
        ),
        (
            answering(b"", "302 Found", "location: http://169.254.169.254/latest"),
            "CROSS_CHECK_REFUSED",
            "it answered HTTP 302; other addresses are not followed",
        ),
        (
            answering(gzip.compress(b"{}"), "200 OK", "content-encoding: gzip"),
            "CROSS_CHECK_MALFORMED",
            "compressed",
        ),
        (answering(b"", "abc OK"), "CROSS_CHECK_UNREACHABLE", "does not speak HTTP"),
    ],
)
async def test_a_refusal_is_not_an_answer(handler: Handler, code: str, words: str, clock: ManualClock):
    async with server(handler) as url:
        reading = await asked(url, clock)
    assert reading.failure is not None
    assert (reading.failure.code, words in reading.failure.message) == (code, True), reading.failure


async def test_one_that_answers_drop_by_drop_is_left_after_a_while(clock: ManualClock):
    async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with server(drip) as url:
        reading = await asked(url, clock, patience=0.3)
    assert reading.failure is not None
    assert (reading.failure.code, reading.failure.message) == (
        "CROSS_CHECK_UNREACHABLE",
        "no answer within 0.3 seconds",
    )


async def test_one_that_hangs_up_is_unreachable(clock: ManualClock):
    async def nothing(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with server(nothing) as url:
        reading = await asked(url, clock)
    assert reading.failure is not None
    assert reading.failure.code == "CROSS_CHECK_UNREACHABLE"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://prometheus",
        "http://",
        "prometheus:9090",
        "http://user:secret@prometheus",
        "http://prometheus/?x=1",
        "http://prometheus/#x",
        "http://prometheus:0",
        "http://prometheus:99999",
        "http://[::1",
        "http://pro metheus",
        "http://prométheus",
        f"http://{'a' * 600}",
    ],
)
def test_addresses_that_hide_something_are_refused(url: str):
    with pytest.raises(InvalidInput) as refused:
        SourceDefinition(url=url, total="a", good="b")
    assert refused.value.field == "url"
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    "field, more",
    [
        ("total", {"total": "up{}"}),
        ("total", {"total": None}),
        ("good", {"good": None}),
        ("good", {"good": "1st"}),
        ("buckets", {"buckets": 'x"'}),
        ("labels", {"labels": (("le", "1"),)}),
        ("labels", {"labels": (("__name__", "x"),)}),
        ("labels", {"labels": (("a", "1"), ("a", "2"))}),
        ("labels", {"labels": (("a", ""),)}),
        ("labels", {"labels": (("a", "b\nc"),)}),
        ("interval", {"interval": 7}),
        ("interval", {"interval": 0}),
        ("tolerance", {"tolerance": -1}),
        ("credential", {"credential": "../key"}),
    ],
)
def test_settings_that_cannot_be_asked_are_refused_by_their_field(field: str, more: dict[str, object]):
    values: dict[str, object] = {"url": "http://prometheus:9090", "total": "a", "good": "b"}
    with pytest.raises(InvalidInput) as refused:
        SourceDefinition(**(values | more))
    assert refused.value.field == field


class TestCredentials:
    """Kept by the installation, sent to their own origin only, never shown."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "credentials.json"
        file.write_text("{}")
        return file

    async def header(self, file: Path, clock: ManualClock, entry: dict[str, str]) -> tuple[str, bytes]:
        seen = []

        async def listen(request: bytes, writer: asyncio.StreamWriter) -> None:
            seen.append(request)
            await answering(b"", "403 Forbidden")(request, writer)

        async with server(listen) as url:
            file.write_text(json.dumps({"eu": {"origin": url} | entry}))
            source = SourceDefinition(url=f"{url}/prom", total="a", good="b", credential="eu")
            prometheus = Prometheus(clock, Admission(file=file))
            question = Question("api", source, 1, UUID(int=1), SPAN, source.counters(Sla("api", 1)))
            (reading,) = await prometheus.read([question])
            await prometheus.close()
        assert reading.failure is not None
        head = seen[0].partition(b"\r\n\r\n")[0]
        (line,) = (each for each in head.split(b"\r\n") if each.lower().startswith(b"authorization: "))
        assert seen[0].startswith((b"POST /prom/api/v1/query HTTP", b"POST /prom/api/v1/query_range HTTP"))
        return reading.failure.message, line

    async def test_a_bearer_token_or_name_and_password_go_with_each_question(
        self, file: Path, clock: ManualClock
    ):
        message, line = await self.header(file, clock, {"bearer": "s3cret"})
        assert (message, line.split()[1:]) == ("it answered HTTP 403", [b"Bearer", b"s3cret"])
        _, line = await self.header(file, clock, {"username": "ann", "password": "s3cret"})
        assert line.split()[1:] == [b"Basic", b"YW5uOnMzY3JldA=="]

    @pytest.mark.parametrize(
        "content, words",
        [
            ('{"us": {"origin": "http://prometheus:9090", "bearer": "s3cret"}}', "knows no credential 'eu'"),
            ('{"eu": {"origin": "http://elsewhere:9090", "bearer": "s3cret"}}', "for another origin"),
            ('{"eu": {"origin": "http://prometheus:9090"}}', "cannot be used (ValueError)"),
            (
                '{"eu": {"origin": "http://prometheus:9090", "bearer": "a\\nb"}}',
                "cannot be used (ValueError)",
            ),
            ('{"eu": {"bearer": "s3cret"}}', "cannot be used (KeyError)"),
            ("s3cret", "cannot be used (JSONDecodeError)"),
            ("[]", "cannot be used (AttributeError)"),
        ],
    )
    def test_one_that_does_not_fit_is_refused_without_a_word_of_it(
        self, file: Path, content: str, words: str
    ):
        file.write_text(content)
        source = SourceDefinition(url="http://prometheus:9090", total="a", good="b", credential="eu")
        with pytest.raises(InvalidInput) as refused:
            Admission(file=file).headers(source)
        assert refused.value.field == "credential"
        assert words in refused.value.message
        assert "s3cret" not in refused.value.message

    def test_hosts_can_be_bounded(self):
        source = SourceDefinition(url="http://169.254.169.254", total="a", good="b")
        with pytest.raises(InvalidInput) as refused:
            Admission(hosts=("prometheus:9090",)).headers(source)
        assert refused.value.field == "url"
        allowed = SourceDefinition(url="http://prometheus:9090", total="a", good="b")
        assert Admission(hosts=("prometheus:9090",)).headers(allowed) == {}
        assert Admission(hosts=("prometheus",)).headers(allowed) == {}
