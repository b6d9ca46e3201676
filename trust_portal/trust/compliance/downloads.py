"""What of an evaluation can be taken along, by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trust_portal.trust.compliance.model import CSV_FILE, DOCUMENT_FILE, POAM_FILE, RESULTS_FILE

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CSV_FILE: "text/csv; charset=utf-8",
        DOCUMENT_FILE: "application/json",
        POAM_FILE: "application/json",
        RESULTS_FILE: "application/json",
    }
)
#: As they are offered.
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        DOCUMENT_FILE: "Evaluation (JSON, as the receipt digests it)",
        RESULTS_FILE: "OSCAL assessment-results (JSON)",
        POAM_FILE: "OSCAL plan of action and milestones (JSON)",
        CSV_FILE: "Results (CSV)",
    }
)
