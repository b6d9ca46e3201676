"""Commands about endpoints and deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import is_readable, require_words
from trust_portal.notify.topics import Topic, subscribable
from trust_portal.notify.webhooks.model import Endpoint

#: Endpoints of one tenant, the disabled ones aside.
MOST_ENDPOINTS: Final = 20


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    """Command. The URL is looked at by the service, which knows the operator's own networks."""

    tenant_id: UUID
    label: str
    url: str
    topics: frozenset[Topic]

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", _label(self.label))
        object.__setattr__(self, "url", self.url.strip())
        _require_topics(self.topics, self.tenant_id)


@dataclass(frozen=True, slots=True)
class ChangeEndpoint:
    """Command: the endpoint as it shall be from now on. ``expected_revision`` refuses what was overtaken."""

    tenant_id: UUID
    endpoint_id: UUID
    label: str
    url: str
    topics: frozenset[Topic]
    reason: str
    expected_revision: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", _label(self.label))
        object.__setattr__(self, "url", self.url.strip())
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        _require_topics(self.topics, self.tenant_id)


@dataclass(frozen=True, slots=True)
class ActOnEndpoint:
    """Command of the acts that need a reason and nothing else: disable, enable, rotate the secret."""

    tenant_id: UUID
    endpoint_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class ReplayDelivery:
    """Command: send it once more, under the same message id."""

    tenant_id: UUID
    delivery_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class EndpointSecret:
    """An endpoint with its secret (``whsec_…``), which is shown this once."""

    endpoint: Endpoint
    secret: str = field(repr=False)


def _label(text: str) -> str:
    label = text.strip()
    if not 1 <= len(label) <= 100 or not is_readable(label):
        raise InvalidInput("a label has 1 to 100 printable characters", field="label")
    return label


def _require_topics(topics: frozenset[Topic], tenant_id: UUID) -> None:
    if not topics:
        raise InvalidInput("choose at least one topic", field="topics")
    foreign = topics - set(subscribable(by_customer=tenant_id != VENDOR_ID))
    if foreign:
        raise InvalidInput(f"nobody here can subscribe to {', '.join(sorted(foreign))}", field="topics")
