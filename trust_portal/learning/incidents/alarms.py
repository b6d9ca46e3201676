"""What pagers send, read: PagerDuty V3 webhooks and Alertmanager's webhook version 4. Pure.

PagerDuty: "V3 Webhooks", X-PagerDuty-Signature. Alertmanager: "<webhook_config>", version "4".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from trust_portal.errors import InvalidInput
from trust_portal.facts.events import AlarmSource
from trust_portal.kernel.names import readable_text

_MOST_FIELDS: Final = 500
_DEEPEST: Final = 6
_LONGEST_KEY: Final = 200
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_LONGEST_TEXT: Final = 2000


class AlarmKind(StrEnum):
    """What an alarm tells. ``FIRING`` declares, reopens or says it anew.

    ``PING`` tells nothing, ``OTHER`` what by its own type is about no incident.
    """

    FIRING = "firing"
    NOTE = "note"
    OTHER = "other"
    PING = "ping"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    SEVERITY = "severity"
    TRIGGERED = "triggered"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One delivery. ``id`` is the same whenever it is sent again; ``key`` names the incident.

    ``began_at``: of the trouble, as far as the pager knows. ``fields`` are what rules look at.
    """

    kind: AlarmKind
    id: str
    key: str
    at: datetime
    began_at: datetime
    text: str
    fields: Mapping[str, str]


def signature_holds(header: str, secret: bytes, body: bytes) -> bool:
    """Whether one of the signatures in ``X-PagerDuty-Signature`` (``v1=<hex>``, comma-separated) is ours."""
    expected = "v1=" + hmac.digest(secret, body, hashlib.sha256).hex()
    given = [each.strip() for each in header.split(",")]
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in given)


def read_alarm(source: AlarmSource, body: bytes) -> Alarm:
    """``InvalidInput`` (field ``body``, or a path in it) for what is no delivery of this pager.

    What no text can hold here (NUL, half a surrogate pair, what is no character) is read as a blank: no alarm is lost for it.
    """
    try:
        value = _readable(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON: {error}", field="body") from error
    if not isinstance(value, dict):
        raise InvalidInput("not a JSON object", field="body")
    return _READERS[source](value)


_PAGERDUTY_KINDS: Final = {
    "incident.triggered": AlarmKind.TRIGGERED,
    "incident.reopened": AlarmKind.REOPENED,
    "incident.resolved": AlarmKind.RESOLVED,
    "incident.priority_updated": AlarmKind.SEVERITY,
    "pagey.ping": AlarmKind.PING,
}
#: By the beginning of their type. Of a family that is not known here nobody can say that it is about no incident.
_PAGERDUTY_FAMILIES: Final = {"incident.": AlarmKind.NOTE, "service.": AlarmKind.OTHER}


def _pagerduty(value: dict[str, Any]) -> Alarm:
    event = _object(value, "event", "event")
    type_ = _text(event, "event_type", "event.event_type")
    family = "".join(type_.partition(".")[:2])
    kind = _PAGERDUTY_KINDS.get(type_) or _PAGERDUTY_FAMILIES.get(family)
    if kind is None:
        raise InvalidInput(f"no event that is known here: {type_}", field="event.event_type")
    id_ = _text(event, "id", "event.id")
    at = _instant(event, "occurred_at", "event.occurred_at")
    data = _object(event, "data", "event.data")
    about = data.get("incident")
    incident: dict[str, Any] = about if isinstance(about, dict) else data
    key = "" if kind in {AlarmKind.OTHER, AlarmKind.PING} else _text(incident, "id", "event.data.id")
    began = incident.get("created_at")
    return Alarm(
        kind=kind,
        id=_id(id_),
        key=_key(key),
        at=at,
        began_at=_parsed(str(began), "event.data.created_at") if began else at,
        text=readable_text(_words(type_, event, data), _LONGEST_TEXT),
        fields=_flat(incident, {"event_type": type_}),
    )


def _words(type_: str, event: dict[str, Any], data: dict[str, Any]) -> str:
    """A line of the timeline: what the pager says happened, by whom, and what it quotes."""
    agent = event.get("agent")
    who = agent.get("summary") if isinstance(agent, dict) else None
    said = data.get("content") or data.get("message")
    line = type_.removeprefix("incident.").replace("_", " ").replace(".", " ").capitalize()
    return "".join((line, f" by {who}" if who else "", f": {said}" if said else ""))


def _alertmanager(value: dict[str, Any]) -> Alarm:
    if value.get("version") != "4":
        raise InvalidInput("not version 4 of Alertmanager's webhook", field="version")
    status = _text(value, "status", "status")
    if status not in {"firing", "resolved"}:
        raise InvalidInput("firing or resolved", field="status")
    alerts = value.get("alerts")
    if not isinstance(alerts, list) or not alerts or not all(isinstance(each, dict) for each in alerts):
        raise InvalidInput("a list of alerts", field="alerts")
    firing = [each for each in alerts if each.get("status") == "firing"]
    starts = sorted(_instant(each, "startsAt", "alerts.startsAt") for each in firing or alerts)
    group = _text(value, "groupKey", "groupKey")
    if status == "firing":
        at, kind = starts[-1], AlarmKind.FIRING
    else:
        at, kind = max(_instant(each, "endsAt", "alerts.endsAt") for each in alerts), AlarmKind.RESOLVED
    prints = sorted(str(each.get("fingerprint", "")) for each in firing or alerts)
    same = hashlib.sha256("\n".join((group, status, at.isoformat(), *prints)).encode()).hexdigest()
    names = {"labels": value.get("commonLabels"), "annotations": value.get("commonAnnotations")}
    fields = _flat(
        {name: each for name, each in names.items() if isinstance(each, dict)},
        {
            "status": status,
            "receiver": str(value.get("receiver", "")),
            "alerts": str(len(firing or alerts)),
            "groupKey": group,
        },
    )
    count = f"{len(firing)} firing" if firing else f"{len(alerts)} resolved"
    return Alarm(
        kind=kind,
        id=same[:32],
        key=_key(group),
        at=at,
        began_at=starts[0],
        text=readable_text(f"Alertmanager: {count}, receiver {value.get('receiver', '')}", _LONGEST_TEXT),
        fields=fields,
    )


def _id(text: str) -> str:
    """What is told or listed anew of an alarm has its id, a slash and more: an id of its own that has one is its digest."""
    return text if "/" not in text else hashlib.sha256(text.encode()).hexdigest()[:32]


def _key(text: str) -> str:
    """Keys of incidents are at most 200 characters; longer group keys end in their digest."""
    if len(text) <= _LONGEST_KEY:
        return text
    return f"{text[: _LONGEST_KEY - 17]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _flat(value: dict[str, Any], more: dict[str, str]) -> dict[str, str]:
    """Texts and numbers by dotted path; a list by position."""
    fields = dict(more)
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting and len(fields) < _MOST_FIELDS:
        path, item, depth = waiting.pop()
        if isinstance(item, dict | list) and depth < _DEEPEST:
            named = item.items() if isinstance(item, dict) else enumerate(item)
            waiting.extend((f"{path}.{name}" if path else str(name), each, depth + 1) for name, each in named)
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            fields[path] = str(item)
    return fields


def _object(value: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise InvalidInput("an object is missing here", field=path)
    return found


def _text(value: dict[str, Any], name: str, path: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise InvalidInput("a text is missing here", field=path)
    return found


def _instant(value: dict[str, Any], name: str, path: str) -> datetime:
    return _parsed(_text(value, name, path), path)


def _parsed(text: str, path: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("a time by RFC 3339", field=path) from error
    if at.tzinfo is None:
        raise InvalidInput("a time with its offset", field=path)
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput("a time that UTC has too", field=path) from error


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_TEXT.sub(" ", value)
    if isinstance(value, dict):
        return {_NO_TEXT.sub(" ", name): _readable(each) for name, each in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list) else value


_READERS: Final[Mapping[AlarmSource, Callable[[dict[str, Any]], Alarm]]] = {
    AlarmSource.ALERTMANAGER: _alertmanager,
    AlarmSource.PAGERDUTY: _pagerduty,
}
