"""Due dates as a calendar file (RFC 5545), one all-day event for each open action. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from icalendar import Calendar, Event

from trust_portal.learning.actions.model import PreventionAction

#: RFC 5545 §3.7.3.
_PRODUCT = "-//Trust Portal//Prevention actions//EN"


def due_dates(actions: Iterable[PreventionAction], *, name: str, base_url: str) -> bytes:
    """Those of ``actions`` that are open and have a date. ``base_url`` is the portal's, without a slash.

    An event keeps its UID when the date is moved, and counts the moves in SEQUENCE, so that a client that
    subscribes moves it too. DTSTAMP is when the date was set (§3.8.7.2), not when the file was made: the same
    state gives the same bytes.
    """
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for action in actions:
        if action.is_open and action.dates:
            calendar.add_component(_event(action, base_url))
    return bytes(calendar.to_ical())


def _event(action: PreventionAction, base_url: str) -> Event:
    step, due = action.dates[-1]
    event = Event()
    event.add("uid", f"{action.id}@prevention-actions.trust-portal")
    event.add("dtstamp", step.at.replace(microsecond=0))
    event.add("dtstart", due)
    event.add("dtend", due + timedelta(days=1))
    event.add("sequence", action.moves)
    event.add("summary", f"Due: {action.title}")
    event.add("description", f"Prevention action of {action.owner}, due by the end of the day.")
    event.add("url", f"{base_url}/actions/{action.id}")
    event.add("transp", "TRANSPARENT")
    return event
