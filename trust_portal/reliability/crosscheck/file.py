"""Second sources in a file: a YAML list, each entry naming tenant and objective. docs/crosscheck.md shows one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.errors import InvalidInput
from trust_portal.reliability.contracts.fields import Fields, load_yaml
from trust_portal.reliability.crosscheck.model import SourceDefinition
from trust_portal.reliability.findings import Finding, Unusable, refusal


@dataclass(frozen=True, slots=True)
class NamedSource:
    """One entry; without a definition its objective is not cross-checked any more."""

    tenant_key: str
    objective: str
    definition: SourceDefinition | None


def parse_sources(source: bytes) -> tuple[NamedSource, ...]:
    """The file's entries in its order. Raises ``Unusable`` with every reason, each naming entry and field."""
    findings: list[Finding] = []
    entries = load_yaml(source, "cross-checks")
    if not isinstance(entries, list) or not entries:
        raise Unusable(
            "cross-checks",
            [refusal("DOCUMENT_MALFORMED", "a list with at least one entry belongs here", "$")],
        )
    found = [_entry(Fields(entry, f"[{number}]", findings)) for number, entry in enumerate(entries)]
    named = [(each.tenant_key, each.objective) for each in found if each is not None]
    findings += [
        refusal(
            "OBJECTIVE_TWICE", f"{objective} of {tenant} stands twice in this file", f"[{number}].objective"
        )
        for number, (tenant, objective) in enumerate(named)
        if (tenant, objective) in named[:number]
    ]
    if findings:
        raise Unusable("cross-checks", findings)
    return tuple(each for each in found if each is not None)


def _entry(fields: Fields) -> NamedSource | None:
    tenant, objective = fields.text("tenant", required=True), fields.text("objective", required=True)
    withdrawn = fields.flag("withdrawn", False)
    texts = {name: fields.text(name) for name in ("total", "good", "buckets", "credential")}
    url = fields.text("url", required=not withdrawn)
    interval = _seconds(fields)
    tolerance = fields.integer("tolerance", 0)
    labels = _labels(fields)
    fields.finish()
    if tenant is None or objective is None:
        return None
    if withdrawn:
        return NamedSource(tenant, objective, None)
    if url is None or interval is None:
        return None
    try:
        definition = SourceDefinition(url, interval=interval, tolerance=tolerance, labels=labels, **texts)
    except InvalidInput as error:
        fields.refuse(error.field, "FIELD_MALFORMED", error.message)
        return None
    return NamedSource(tenant, objective, definition)


def _seconds(fields: Fields) -> int | None:
    """``60`` or ``60s``."""
    text = (fields.text("interval") or "60").removesuffix("s")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        fields.refuse("interval", "FIELD_MALFORMED", f"{text!r} is no whole number of seconds")
        return None
    return int(text)


def _labels(fields: Fields) -> tuple[tuple[str, str], ...]:
    value = fields.raw("labels")
    if value in (None, ""):
        return ()
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        fields.refuse("labels", "FIELD_MALFORMED", "a mapping of names to values belongs here")
        return ()
    return tuple((str(name), str(text)) for name, text in value.items())
