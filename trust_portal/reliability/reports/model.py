"""The SLA report as a document: a canonical JSON body, and the input files its figures come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.reliability.findings import Finding, State

KIND = "sla-report"
FORMAT = "1"
ENGINE = {"name": "trust-portal attainment", "version": "1"}

#: Where a bundle carries the document and what it is computed from.
REPORT_FILE = "report.json"
CSV_FILE = "report.csv"
PDF_FILE = "report.pdf"
CONTRACT_FILE = "inputs/contract.yaml"
MEASUREMENTS_FILE = "inputs/measurements.csv"
EXCLUSIONS_FILE = "inputs/exclusions.json"


@dataclass(frozen=True)
class ReportDocument:
    """``body`` is JSON without floats; ``inputs`` are the files by their names in the bundle."""

    body: Mapping[str, Any]
    inputs: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, data: bytes) -> ReportDocument:
        """A document read back from its bytes, without its inputs."""
        return cls(json.loads(data))

    @cached_property
    def canonical(self) -> bytes:
        return canonical(self.body)

    @cached_property
    def sha256(self) -> str:
        return sha256_hex(self.canonical)

    @property
    def state(self) -> State:
        return State(self.body["state"])

    @property
    def revision(self) -> int:
        return int(self.body["revision"])


@dataclass(frozen=True, slots=True)
class Restatement:
    """The report that a new revision replaces, and why, in a person's words."""

    previous: ReportDocument
    reason: str


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What a report says beyond its figures.

    ``attested`` findings come from outside the inputs (a second source that disagrees) and weigh like
    our own. ``as_of`` before the end of the period makes the report incomplete; it is not printed, so
    that the same inputs give the same bytes whenever they are computed.
    """

    tenant_name: str
    vendor_name: str
    revision: int = 1
    restatement: Restatement | None = None
    attested: Sequence[Finding] = ()
    as_of: datetime | None = None
