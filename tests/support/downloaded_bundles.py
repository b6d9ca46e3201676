"""A bundle as somebody has it who downloaded it: what its receipts say, and what the verifier says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from trust_portal.evidence import bundle
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import ReceiptKind, Statement


def results_of(file: Path, kind: ReceiptKind) -> list[dict[str, Any]]:
    """What the receipts of one kind in it conclude."""
    receipts = [
        Statement.parse(Envelope.parse(data).payload)
        for name, data in bundle.read(file.read_bytes()).files.items()
        if name.startswith("receipts/") and name.endswith(".dsse.json")
    ]
    return [each.predicate["result"] for each in receipts if each.kind is kind]


def verdict_on(file: Path, policy: Path) -> dict[str, Any]:
    """What ``trust-portal verify`` finds in a process of its own; fails where it refuses."""
    command = [sys.executable, "-P", "-m", "trust_portal.cli", "verify", str(file), "--policy", str(policy)]
    done = subprocess.run([*command, "--recompute", "--json"], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
