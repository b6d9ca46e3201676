"""What a customer does with a bundle: fetch it, verify it on their own, and see a changed one refused."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
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
        self.client = client

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
        origin = str(self.client.base_url).rstrip("/")
        answer = await self.client.post(path, data=form, headers={"origin": origin})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise Unavailable(f"the form at {path} was answered {answer.status_code}", code="NOT_TAKEN")
        return str(answer.headers["location"])

    async def answer(self, path: str, **form: str) -> str:
        """Send a form that is answered with a page: the page. A form that is refused raises ``Unavailable``."""
        origin = str(self.client.base_url).rstrip("/")
        answer = await self.client.post(path, data=form, headers={"origin": origin})
        if not answer.is_success:
            raise Unavailable(f"the form at {path} was answered {answer.status_code}", code="NOT_TAKEN")
        return answer.text

    async def fetch(self, path: str) -> bytes:
        answer = await self.client.get(path)
        if not answer.is_success:
            raise Unavailable(f"{path} was answered {answer.status_code}", code="NOT_FETCHED")
        return answer.content


async def ask(client: httpx.AsyncClient, query: str, *, token: str | None = None, **variables: Any) -> Any:
    """The ``data`` that GraphQL answers, to an API token or to whom the client's cookie names."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    answer = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    body = answer.json()
    if "errors" in body or not answer.is_success:
        raise Unavailable(f"GraphQL was answered {answer.status_code}: {body}", code="NO_ANSWER")
    return body["data"]


async def finished_export(look: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """What ``look`` finds once its ``export`` is ready. Raises ``Unavailable`` where that fails or takes too long."""
    async with patience(_PATIENCE, "the bundle"):
        while True:
            found = await look()
            export = found["export"]
            if export is not None and export["state"] == "READY":
                return found
            if export is not None and export["state"] == "FAILED":
                raise Unavailable(f"the bundle failed: {export['failure']}", code="EXPORT_FAILED")
            await asyncio.sleep(_LOOK)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A bundle as a customer has it on disk, with the trust policy it is checked by."""

    archive: Path
    policy: Path


async def fetch_bundle(
    url: str,
    tenant_key: str,
    export: Mapping[str, Any],
    folder: Path,
    role: Role = Role.CUSTOMER_VIEWER,
) -> Fetched:
    """Sign in at the portal at ``url``, and download the bundle and the policy that pins its log."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        visitor = await Visitor.sign_in(client, role)
        content = await visitor.fetch(export["downloadUrl"].removeprefix(url))
        policy = await visitor.fetch(f"/t/{tenant_key}/trust-policy")
    return _kept(folder, export["fileName"], content, f"{tenant_key}.policy", policy)


def _kept(folder: Path, name: str, content: bytes, policy_name: str, policy: bytes) -> Fetched:
    folder.mkdir(mode=0o700, exist_ok=True)
    fetched = Fetched(folder / name, folder / policy_name)
    fetched.archive.write_bytes(content)
    fetched.policy.write_bytes(policy)
    return fetched


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


async def verified(fetched: Fetched) -> Verdict:
    """That a bundle verifies; raises ``Unavailable`` where it does not."""
    verdict = await verify(fetched.archive, fetched.policy)
    if verdict.exit_code:
        raise Unavailable(f"the bundle does not verify: {', '.join(verdict.codes)}", code="NOT_VERIFIED")
    return verdict


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
