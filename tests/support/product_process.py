"""A vendor's product that takes control calls: a process of its own, which can answer in every wrong way.

    python product_process.py FOLDER PUBLIC_KEY [--story]

Prints its port. ``FOLDER/calls.jsonl`` has every call that came with a good signature, before it is
answered; ``FOLDER/applied.jsonl`` what was really done, each key once, on disk before the answer.
``FOLDER/manner`` says how to answer from now on; ``late``, ``silent`` and ``500`` do the work first,
``lost`` does nothing.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOCK = threading.Lock()


class Product:
    """What it was told and what it did. Everything is read from disk, so that it may be killed too."""

    def __init__(self, folder: Path, public_key: str, *, story: bool) -> None:
        self.folder = folder
        self.key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
        self.story = story
        """Signatures may be of another time than the machine's."""

    @property
    def manner(self) -> str:
        try:
            return (self.folder / "manner").read_text().strip() or "well"
        except FileNotFoundError:
            return "well"

    def is_signed(self, headers: Any, body: bytes) -> bool:
        id_, at = headers["webhook-id"] or "", headers["webhook-timestamp"] or ""
        if not self.story and abs(int(at) - time.time()) > 300:
            return False
        for signature in (headers["webhook-signature"] or "").split():
            scheme, _, encoded = signature.partition(",")
            if scheme == "v1a":
                try:
                    self.key.verify(base64.b64decode(encoded), f"{id_}.{at}.".encode() + body)
                except InvalidSignature:
                    continue
                return True
        return False

    def take(self, call: dict[str, Any]) -> dict[str, Any]:
        """What becomes of a call; the same key is applied once, and what was taken back never again."""
        with LOCK:
            self._note("calls", {**call, "at": datetime.now(UTC).isoformat()})
            if call["dry_run"]:
                return {"state": "applied", "effect": dict(call["parameters"]), "previous": {"limit": "none"}}
            done = {each["key"]: each for each in self._read("applied")}
            if call["idempotency_key"] in done:
                return done[call["idempotency_key"]]["answer"]
            taken_back = {each["reverses"] for each in done.values() if each["reverses"]}
            if call["idempotency_key"] in taken_back:
                return {"state": "refused", "reason": "it was taken back before it came"}
            if not self.story and datetime.fromisoformat(call["expires_at"]) < datetime.now(UTC):
                return {"state": "refused", "reason": "it came too late"}
            reverses = call.get("reverses")
            effect = {} if reverses and reverses not in done else dict(call["parameters"])
            answer = {"state": "applied", "effect": effect, "previous": {"limit": "none"}}
            self._note(
                "applied",
                {
                    "key": call["idempotency_key"],
                    "action": call["action"],
                    "tenant": call["tenant"],
                    "reverses": reverses,
                    "at": datetime.now(UTC).isoformat(),
                    "answer": answer,
                },
            )
            return answer

    def refuse(self, call: dict[str, Any]) -> dict[str, Any]:
        """Not done, unless it was before: then that is what became of it."""
        with LOCK:
            self._note("calls", {**call, "at": datetime.now(UTC).isoformat()})
            done = {each["key"]: each for each in self._read("applied")}
            refusal = {"state": "refused", "reason": "not today"}
            return done[call["idempotency_key"]]["answer"] if call["idempotency_key"] in done else refusal

    def _read(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _note(self, name: str, entry: dict[str, Any]) -> None:
        with (self.folder / f"{name}.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())


def handler(product: Product) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if not product.is_signed(self.headers, body):
                self._say(401, b'{"error": "signature"}')
                return
            call, manner = json.loads(body), product.manner
            if call["dry_run"]:
                manner = "well"
            if manner == "refused":
                self._say(200, json.dumps(product.refuse(call)).encode())
                return
            if manner == "lost":
                self._say(502, b"")
                return
            if manner == "pending":
                self._say(200, b'{"state": "pending"}')
                return
            answer = json.dumps(product.take(call)).encode()
            match manner:
                case "late":
                    time.sleep(11)
                    self._say(200, answer)
                case "silent":
                    self.close_connection = True
                    self.connection.close()
                case "500":
                    self._say(500, answer)
                case "garbage":
                    self._say(200, b'{"state": "appl')
                case "wrong":
                    self._say(200, b'{"state": "done", "effect": {}}')
                case "endless":
                    self._say(200, b'{"state": "applied", "x": "' + b"x" * 200_000 + b'"}')
                case "more":
                    self._say(200, answer[:-1] + b', "note": "new", "load": 0.25}')
                case _:
                    self._say(200, answer)

        def _say(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def main() -> None:
    folder, key = Path(sys.argv[1]), sys.argv[2]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Product(folder, key, story="--story" in sys.argv)))
    server.daemon_threads = True
    print(server.server_address[1], flush=True)  # noqa: T201 - how a test learns the port
    server.serve_forever()


if __name__ == "__main__":
    main()
