"""A notification as a webhook: ``type``, ``timestamp`` and ``data``, as Standard Webhooks proposes them.

The bytes of a message are the same at every attempt, and so is its id; only the timestamp that is
signed with them is the attempt's.
"""

from __future__ import annotations

from uuid import UUID

from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.notify.model import Notification, TenantName


def message_id(notification_id: UUID) -> str:
    """The ``webhook-id``: one for all receivers, attempts and replays of a notification."""
    return f"msg_{notification_id.hex}"


def message_body(notification: Notification, origin: TenantName, base_url: str) -> bytes:
    """RFC 8785. ``origin`` is the tenant it happened in; ``facts`` hold texts by name."""
    return canonical(
        {
            "type": notification.topic.value,
            "timestamp": rfc3339(notification.at),
            "data": {
                "tenant": {"key": origin.key, "name": origin.name},
                "title": notification.title,
                "text": notification.text,
                "facts": dict(notification.facts),
                "url": base_url + notification.path,
            },
        }
    )
