"""What a customer does with a bundle: fetch it, verify it on their own, and see a changed one refused."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import httpx

from trust_portal.demo.patience import patience
from trust_portal.errors import Unavailable
from trust_portal.evidence import bundle
from trust_portal.kernel.actor import Role

_PATIENCE: Final = 120.0
_LOOK: Final = 0.4

REPORT_QUERY: Final = """
query ($key: String!, $period: String!) {
  tenant(key: $key) {
    slaReport(period: $period) {
      revision document receipt { proof }
      export { state step percent failure fileName size sha256 downloadUrl }
    }
  }
}
"""


class Visitor:
    """Somebody at a browser: signs in as a persona by the page's own form, and keeps the cookie."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    async def sign_in(cls, client: httpx.AsyncClient, role: Role) -> Self:
        """``client`` has the portal as its base and holds no cookie yet."""
        origin = str(client.base_url).rstrip("/")
        answer = await client.post("/sign-in/persona", data={"role": role.value}, headers={"origin": origin})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise Unavailable(f"signing in was answered {answer.status_code}", code="NO_SIGN_IN")
        return cls(client)

    async def submit(self, path: str, **form: str) -> str:
        """Send a form; where the page leads then. A form that is refused raises ``Unavailable``."""
        origin = str(self._client.base_url).rstrip("/")
        answer = await self._client.post(path, data=form, headers={"origin": origin})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise Unavailable(f"the form at {path} was answered {answer.status_code}", code="NOT_TAKEN")
        return str(answer.headers["location"])

    async def answer(self, path: str, **form: str) -> str:
        """Send a form that is answered with a page: the page. A form that is refused raises ``Unavailable``."""
        origin = str(self._client.base_url).rstrip("/")
        answer = await self._client.post(path, data=form, headers={"origin": origin})
        if not answer.is_success:
            raise Unavailable(f"the form at {path} was answered {answer.status_code}", code="NOT_TAKEN")
        return answer.text

    async def fetch(self, path: str) -> bytes:
        answer = await self._client.get(path)
        if not answer.is_success:
            raise Unavailable(f"{path} was answered {answer.status_code}", code="NOT_FETCHED")
        return answer.content


async def query_report(client: httpx.AsyncClient, token: str, key: str, period: str) -> dict[str, Any]:
    """A period's report by GraphQL, with an API token."""
    answer = await client.post(
        "/graphql",
        json={"query": REPORT_QUERY, "variables": {"key": key, "period": period}},
        headers={"authorization": f"Bearer {token}"},
    )
    body = answer.json()
    if "errors" in body or not answer.is_success:
        raise Unavailable(f"GraphQL was answered {answer.status_code}: {body}", code="NO_ANSWER")
    report: dict[str, Any] = body["data"]["tenant"]["slaReport"]
    return report


async def finished_export(client: httpx.AsyncClient, token: str, key: str, period: str) -> dict[str, Any]:
    """The report once its bundle is ready. Raises ``Unavailable`` where it fails or takes too long."""
    async with patience(_PATIENCE, "the bundle"):
        while True:
            report = await query_report(client, token, key, period)
            state = report["export"]["state"]
            if state == "READY":
                return report
            if state == "FAILED":
                raise Unavailable(f"the bundle failed: {report['export']['failure']}", code="EXPORT_FAILED")
            await asyncio.sleep(_LOOK)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``trust-portal verify --json`` said; ``codes`` name what does not hold."""

    exit_code: int
    codes: tuple[str, ...]
    proved: tuple[str, ...]
    not_proved: tuple[str, ...]


async def verify(archive: Path, policy: Path) -> Verdict:
    """In a process of its own that is told of no server: what the customer's auditor would run."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trust_portal.cli", "verify", str(archive)),
        *("--policy", str(policy), "--recompute", "--json"),
        env={},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not out:
        raise Unavailable(f"verify said: {err.decode(errors='replace').strip()}", code="NO_VERDICT")
    answer = json.loads(out)
    return Verdict(
        process.returncode or 0,
        tuple(finding["code"] for finding in answer["findings"]),
        tuple(answer["proved"]),
        tuple(answer["not_proved"]),
    )


async def audit(environment: Mapping[str, str]) -> str:
    """What ``trust-portal audit`` says of everything that was recorded. Findings raise ``Unavailable``."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "trust_portal.cli", "audit"),
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = out.decode(errors="replace").strip()
    if process.returncode:
        raise Unavailable(
            f"the audit says: {said} {err.decode(errors='replace').strip()}", code="AUDIT_FAILED"
        )
    return said.splitlines()[-1]


def with_one_bit_flipped(archive: bytes, name: str) -> bytes:
    """The same zip, packed anew and valid as such, with the middle byte of one file off by one bit."""
    files = dict(bundle.read(archive).files)
    content = bytearray(files[name])
    content[len(content) // 2] ^= 1
    return bundle.build({**files, name: bytes(content)})


def report_path(key: str, report_id: UUID) -> str:
    return f"/t/{key}/reports/{report_id}"
