"""One frozen object, read once from the environment. ``docs/settings.md`` lists every variable."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from trust_portal.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. Names in the environment are the fields' in upper case."""

    database_url: str = field(repr=False)
    """``postgresql+asyncpg://…``; the login must be a member of the four ``trust_portal_*`` roles."""
    redis_url: str = field(repr=False)
    """``redis://…`` or ``unix://…`` of a Valkey or Redis server."""
    key_file: Path = Path("trust-portal-keys.json")
    """Signing keys; created with mode 0600 on first start."""
    base_url: str = "http://localhost:8400"
    """What users type; links in documents, the origin check and the log's name derive from it."""
    coordinator_url: str | None = field(default=None, repr=False)
    """The one node for locks, LISTEN/NOTIFY and migrations of a cluster; without it `DATABASE_URL`."""
    vendor_name: str = "Vendor"
    """How documents name the vendor that runs this portal."""
    demo: bool = False
    """Persona sign-in and the marking of every page. Never set where customers look."""
    story_clock: Path | None = None
    """The demo's own time, a file its processes share (docs/demo.md); refused without `DEMO`."""
    oidc_issuer: str | None = None
    """OpenID Connect provider for signing in; all three of these or none."""
    oidc_client_id: str | None = None
    """How the provider knows this portal."""
    oidc_client_secret: str | None = field(default=None, repr=False)
    """The secret shared with the provider."""
    passkey_domain: str | None = None
    """The domain passkeys are bound to: the host of `BASE_URL`, which it is without this, or one above it."""
    session_idle: timedelta = timedelta(hours=8)
    """Read as seconds."""
    session_absolute: timedelta = timedelta(days=7)
    """Read as seconds."""
    max_body_bytes: int = 16 * 1024 * 1024
    """Largest request body, NDJSON streams aside."""
    ingest_events_per_minute: int = 0
    """Events one token may send per minute and process, on average; 0 sets no limit."""
    sla_grace: timedelta = timedelta(hours=6)
    """Read as seconds. How long after a period's end its scheduled report waits for late data."""
    database_location: tuple[str, ...] = ()
    """Where the database stands, by every name an agreement on residency may use, separated by commas. See docs/posture.md."""
    backup_location: tuple[str, ...] = ()
    """The same of its backups; ``none`` where there are none."""
    locations_stated_on: date | None = None
    """The day on which both were last stated, as ``2026-07-01``. After the database has moved they count for nothing until they, or this day, say something new."""
    key_service: str | None = None
    """What keeps customers' own keys: ``file:///folder``, or a service of your own; without it the folder ``customer-keys`` beside `KEY_FILE`. See docs/posture.md."""
    cross_check_credentials: Path | None = None
    """JSON file of what second sources want to know of whoever asks. See docs/crosscheck.md."""
    cross_check_hosts: tuple[str, ...] = ()
    """Second sources that may be asked, as ``host`` or ``host:port``, separated by commas; without it any."""
    cost_grace: timedelta = timedelta(minutes=10)
    """Read as seconds. How long after an hour's end its close waits for late usage."""
    cost_labels: tuple[str, ...] = ("feature", "flag", "version")
    """Labels of usage that roll-ups keep and explanations look at; separated by commas."""
    control_url: str | None = None
    """Where the product takes control calls; without it playbooks are planned and never executed."""
    control_secret: str | None = field(default=None, repr=False)
    """``whsec_…``: control calls are also signed with this secret, for receivers that know no Ed25519."""
    focus_mapping: Path | None = None
    """How cost exports are read; without it the mapping that is shipped. See docs/formats/focus.md."""
    smtp_url: str | None = field(default=None, repr=False)
    """``smtp://user:password@host:587`` or ``smtps://…:465`` of the mail server; without one, no mail is sent."""
    mail_from: str | None = None
    """Who mail is from, as ``Trust at Vendor <trust@vendor.example>``; goes with `SMTP_URL`."""
    webhook_networks: tuple[str, ...] = ()
    """Networks of your own that webhooks may reach, as ``10.1.0.0/16``, separated by commas; by default only public addresses over https."""
    playbooks: Path | None = None
    """What may be done about anomalies; without it the playbooks that are shipped. See docs/remediation.md."""
    log_format: str = "json"
    """``json`` or ``console``."""

    @property
    def origin(self) -> str:
        """Scheme and authority of ``base_url``."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """Host of ``base_url``: what new logs are named after."""
        return urlsplit(self.base_url).hostname or "localhost"

    @property
    def key_service_url(self) -> str:
        """What keeps customers' keys."""
        return self.key_service or (self.key_file.absolute().parent / "customer-keys").as_uri()

    @property
    def secure(self) -> bool:
        """Whether users come by https, and cookies must too."""
        return self.base_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; what is missing or malformed is ``InvalidInput``, all of it by name."""
    env = os.environ if environ is None else environ
    values: dict[str, object] = {}
    wrong: dict[str, str] = {}
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not env.get(name)]
    if missing:
        wrong[missing[0]] = (
            f"set {' and '.join(missing)}, or use `trust-portal up`, which brings its own servers"
        )
    for name, read in _READERS.items():
        text = env.get(name.upper())
        if text:
            try:
                values[name] = read(text)
            except ValueError as error:
                wrong[name.upper()] = f"{name.upper()}: {error}"
    if values.get("story_clock") and not values.get("demo"):
        wrong["STORY_CLOCK"] = "STORY_CLOCK: only a demo has a time of its own"
    if wrong:
        raise InvalidInput("; ".join(wrong.values()), field=next(iter(wrong)))
    return Settings(**values)  # type: ignore[arg-type]  # the readers make the right types


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes"}:
        return True
    if text.lower() in {"0", "false", "no"}:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _seconds(text: str) -> timedelta:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number of seconds")
    return timedelta(seconds=int(text))


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"{text!r} is no http(s) URL")
    return text.rstrip("/")


def _secret(text: str) -> str:
    """A shared secret as Standard Webhooks writes one; checked for its form where settings are read."""
    prefix, _, encoded = text.partition("_")
    try:
        length = len(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if prefix != "whsec" or not 24 <= length <= 64:
        raise ValueError("write it as whsec_ and the base64 of 24 to 64 bytes")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _where_data_lies(text: str) -> tuple[str, ...]:
    if "none" in _names(text.casefold()):
        raise ValueError("a database lies somewhere: only backups can be none")
    return _names(text)


def _where_backups_lie(text: str) -> tuple[str, ...]:
    names = _names(text)
    if "none" not in _names(text.casefold()):
        return names
    if len(names) > 1:
        raise ValueError("where backups are kept nowhere, none stands alone")
    return ("none",)


def _networks(text: str) -> tuple[str, ...]:
    return tuple(str(ip_network(name)) for name in _names(text))


def _log_format(text: str) -> str:
    if text not in {"json", "console"}:
        raise ValueError(f"{text!r} is neither json nor console")
    return text


_READERS: dict[str, Callable[[str], object]] = {
    "database_url": str,
    "redis_url": str,
    "coordinator_url": str,
    "key_file": Path,
    "base_url": _url,
    "vendor_name": str,
    "demo": _flag,
    "story_clock": Path,
    "oidc_issuer": _url,
    "oidc_client_id": str,
    "oidc_client_secret": str,
    "passkey_domain": str,
    "session_idle": _seconds,
    "session_absolute": _seconds,
    "max_body_bytes": int,
    "ingest_events_per_minute": int,
    "sla_grace": _seconds,
    "database_location": _where_data_lies,
    "backup_location": _where_backups_lie,
    "locations_stated_on": date.fromisoformat,
    "key_service": str,
    "cross_check_credentials": Path,
    "cross_check_hosts": _names,
    "cost_grace": _seconds,
    "cost_labels": _names,
    "control_url": _url,
    "control_secret": _secret,
    "focus_mapping": Path,
    "smtp_url": str,
    "mail_from": str,
    "webhook_networks": _networks,
    "playbooks": Path,
    "log_format": _log_format,
}
