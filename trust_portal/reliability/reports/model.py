"""The SLA report as a document: a canonical JSON body, and the input files its figures come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.reliability.crosscheck.comparison import CheckState
from trust_portal.reliability.crosscheck.model import SourceReading
from trust_portal.reliability.findings import Finding, State

KIND = "sla-report"
#: 1 knew no cross-check; reports of it are still recomputed.
FORMAT = "2"
FORMATS = ("1", FORMAT)
ENGINE = {"name": "trust-portal attainment", "version": "1"}

#: The code of a refusal to restate a signed report without saying why.
REASON_REQUIRED = "REASON_REQUIRED"

#: Where a bundle carries the document and what it is computed from.
REPORT_FILE = "report.json"
CSV_FILE = "report.csv"
PDF_FILE = "report.pdf"
CONTRACT_FILE = "inputs/contract.yaml"
MEASUREMENTS_FILE = "inputs/measurements.csv"
EXCLUSIONS_FILE = "inputs/exclusions.json"
#: Only there where a second source is set up.
CROSS_CHECK_FILE = "inputs/crosscheck.json"


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

    @property
    def check(self) -> CheckState:
        """What the cross-check came to; a report of format 1 knew none."""
        return (
            CheckState(self.body["cross_check"]["state"])
            if "cross_check" in self.body
            else CheckState.NOT_CHECKED
        )

    @property
    def source_receipts(self) -> tuple[UUID, ...]:
        """Of the settings by which second sources were asked."""
        checks = self.body["cross_check"]["objectives"]
        return tuple(UUID(each["source"]["receipt"]) for each in checks if each["source"] is not None)


@dataclass(frozen=True, slots=True)
class Restatement:
    """The report that a new revision replaces, and why, in a person's words."""

    previous: ReportDocument
    reason: str


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What a report says beyond its figures.

    ``attested`` findings come from outside the inputs (a second source that disagrees) and weigh like
    our own. ``readings`` are what second sources said, one for each objective that has one. ``as_of`` before the end of the period makes the report incomplete; it is not printed, so
    that the same inputs give the same bytes whenever they are computed.
    """

    tenant_name: str
    vendor_name: str
    revision: int = 1
    restatement: Restatement | None = None
    attested: Sequence[Finding] = ()
    readings: Sequence[SourceReading] = ()
    as_of: datetime | None = None
