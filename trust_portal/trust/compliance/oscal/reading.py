"""Assessment-results from elsewhere, read strictly: what is not as OSCAL has it is refused by its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.kernel.names import is_readable

#: Bytes of one document.
LARGEST: Final = 4 * 1024 * 1024
#: Findings of one document, over all of its results.
MOST_FINDINGS: Final = 20_000
ROOT: Final = "assessment-results"
#: Beside it, NIST's schema allows a document to name its schema.
_DIRECTIVE: Final = "$schema"

_VERSION: Final = re.compile(r"1\.[0-9]{1,2}\.[0-9]{1,3}")
_UUID: Final = re.compile(
    r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}"
)
_STATES: Final = ("satisfied", "not-satisfied")


@dataclass(frozen=True, slots=True)
class Foreign:
    """What is taken from a document: its identity, how it came out, and since when that is so at the latest.

    Each objective counts once, by the newest result that has a finding of it; ``as_of`` is when the oldest of
    those was reached, for what stands beside a newer one is no fresher for it.
    """

    uuid: UUID
    title: str
    oscal_version: str
    as_of: datetime
    satisfied: int
    not_satisfied: int


def read_assessment(data: bytes, now: datetime) -> Foreign:
    """``InvalidInput`` naming the place and the reason; a document of the future is refused too."""
    if len(data) > LARGEST:
        raise InvalidInput("the document is larger than 4 MiB", field="document")
    try:
        document = parse_json(data, field="document")
    except Malformed as error:
        raise InvalidInput(error.message, field="document") from error
    if not isinstance(document, dict) or set(document) - {_DIRECTIVE} != {ROOT}:
        raise InvalidInput(f"an OSCAL document of this kind holds {ROOT} and nothing else", field="document")
    body = _object(document[ROOT], ROOT)
    metadata = _object(_member(body, "metadata", ROOT), f"{ROOT}.metadata")
    _text(_object(_member(body, "import-ap", ROOT), f"{ROOT}.import-ap"), "href", f"{ROOT}.import-ap")
    version = _text(metadata, "oscal-version", f"{ROOT}.metadata")
    if not _VERSION.fullmatch(version):
        raise InvalidInput(f"{version!r} is no version of OSCAL 1", field=f"{ROOT}.metadata.oscal-version")
    _instant(metadata, "last-modified", f"{ROOT}.metadata")
    _text(metadata, "version", f"{ROOT}.metadata")
    results = _list(_member(body, "results", ROOT), f"{ROOT}.results")
    if not results:
        raise InvalidInput("it has no result", field=f"{ROOT}.results")
    reached: list[datetime] = []
    states: dict[str, tuple[datetime, str]] = {}
    findings = 0
    for number, each in enumerate(results):
        at = f"{ROOT}.results[{number}]"
        result = _object(each, at)
        _uuid(result, at)
        _text(result, "title", at)
        _text(result, "description", at)
        _object(_member(result, "reviewed-controls", at), f"{at}.reviewed-controls")
        began = _instant(result, "start", at)
        ended = _instant(result, "end", at) if "end" in result else began
        if ended < began:
            raise InvalidInput("it ends before it began", field=f"{at}.end")
        reached.append(ended)
        for target, state in _states(result, at).items():
            # Of two results that ended together the one that stands later is the newer.
            if target not in states or states[target][0] <= ended:
                states[target] = ended, state
        findings += len(result.get("findings", []))
        if findings > MOST_FINDINGS:
            raise InvalidInput(f"it has more than {MOST_FINDINGS:,} findings", field=f"{ROOT}.results")
    if not states:
        raise InvalidInput("none of its results has a finding", field=f"{ROOT}.results")
    counted = [state for _, state in states.values()]
    if max(reached) > now:
        raise InvalidInput("its newest result lies in the future", field=f"{ROOT}.results")
    return Foreign(
        uuid=_uuid(body, ROOT),
        title=_title(metadata),
        oscal_version=version,
        as_of=min(at for at, _ in states.values()),
        satisfied=counted.count("satisfied"),
        not_satisfied=counted.count("not-satisfied"),
    )


def _states(result: Mapping[str, Any], at: str) -> dict[str, str]:
    """By objective, as one result has it: where two of its findings differ, it is not satisfied."""
    states: dict[str, str] = {}
    seen: set[str] = set()
    for number, each in enumerate(_list(result.get("findings", []), f"{at}.findings")):
        place = f"{at}.findings[{number}]"
        finding = _object(each, place)
        id_ = str(_uuid(finding, place))
        if id_ in seen:
            raise InvalidInput("two findings share a uuid", field=f"{place}.uuid")
        seen.add(id_)
        _text(finding, "title", place)
        _text(finding, "description", place)
        target = _object(_member(finding, "target", place), f"{place}.target")
        objective = _text(target, "target-id", f"{place}.target")
        status = _object(_member(target, "status", f"{place}.target"), f"{place}.target.status")
        state = _text(status, "state", f"{place}.target.status")
        if state not in _STATES:
            raise InvalidInput(
                f"a finding is {' or '.join(_STATES)}, not {state!r}", field=f"{place}.target.status.state"
            )
        if states.get(objective) != "not-satisfied":
            states[objective] = state
    return states


def _title(metadata: Mapping[str, Any]) -> str:
    title = _text(metadata, "title", f"{ROOT}.metadata")
    if len(title) > 200 or not is_readable(title):
        raise InvalidInput("a title has 1 to 200 printable characters", field=f"{ROOT}.metadata.title")
    return title


def _member(value: Mapping[str, Any], name: str, at: str) -> Any:
    if name not in value:
        raise InvalidInput("it is missing", field=f"{at}.{name}")
    return value[name]


def _object(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("it is no object", field=at)
    return value


def _list(value: Any, at: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise InvalidInput("it is no list", field=at)
    return value


def _text(value: Mapping[str, Any], name: str, at: str) -> str:
    found = _member(value, name, at)
    if not isinstance(found, str) or not found.strip():
        raise InvalidInput("it is no text, or empty", field=f"{at}.{name}")
    return found


def _uuid(value: Mapping[str, Any], at: str) -> UUID:
    text = _text(value, "uuid", at)
    if not _UUID.fullmatch(text):
        raise InvalidInput("OSCAL wants a UUID of version 4 or 5", field=f"{at}.uuid")
    return UUID(text)


def _instant(value: Mapping[str, Any], name: str, at: str) -> datetime:
    text = _text(value, name, at)
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("no time zone")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("it is no time with a time zone (RFC 3339)", field=f"{at}.{name}") from error
