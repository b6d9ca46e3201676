"""Somebody's own server that takes webhooks, over real HTTP; the path says how it behaves.

``/ok`` 200, ``/gone`` 410, ``/broken`` 500, ``/busy`` 429 with ``Retry-After: 900``, ``/moved`` 302 to ``/ok``,
``/slow`` answers after the sender's patience, ``/endless`` never stops talking, ``/flaky-N`` fails N times.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``received`` in the order of arrival."""

    port: int
    scheme: str
    received: list[Received] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/ok", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextmanager
def webhook_receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(0, "http" if context is None else "https")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            seen = sum(each.path == self.path for each in receiver.received)
            self.close_connection = True
            match self.path.strip("/").partition("-"):
                case ("gone", _, _):
                    self._answer(410, b"no longer here")
                case ("broken", _, _):
                    self._answer(500, b"<h1>Internal\x00 Server Error</h1>\n" * 3)
                case ("busy", _, _):
                    self._answer(429, b"slow down", ("retry-after", "900"))
                case ("moved", _, _):
                    self._answer(302, b"", ("location", receiver.url("/ok")))
                case ("flaky", _, times) if seen <= int(times):
                    self._answer(503, b"not now")
                case ("slow", _, _):
                    receiver.release.wait(10)
                    self._answer(200, b"at last")
                case ("endless", _, _):
                    self._talk()
                case _:
                    self._answer(200, b'{"ok":true}')

        def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("content-length", str(len(body))), ("connection", "close")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _talk(self) -> None:
            self.send_response(200)
            self.send_header("connection", "close")
            self.end_headers()
            try:
                while not receiver.release.is_set():
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address) -> None:
            """Somebody hung up; the test knows."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
