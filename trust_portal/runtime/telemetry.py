"""Logs on stderr, one line an event; metrics in the process's Prometheus registry (``/metrics``)."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import Info

from trust_portal import __version__

_build = Info("trust_portal_build", "What runs here.")
_build.info({"version": __version__})


def configure_logging(log_format: str, *, level: int = logging.INFO) -> None:
    """Our own loggers and the libraries' alike, as ``json`` (a machine reads) or ``console`` (you do).

    Call once, at the start of a process. Requests carry their context through
    ``structlog.contextvars``; a secret is never given to a logger.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    ending: list[structlog.types.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The richer ones print local variables, and those hold tokens and passwords.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _plain, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # A line for every request of every health check says nothing.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # These two report every font they subset.
    for chatty in ("fontTools", "weasyprint"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def _plain(
    logger: object,  # noqa: ARG001 - a processor's signature
    name: str,  # noqa: ARG001
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Without uvicorn's copy of the message in colours."""
    event.pop("color_message", None)
    return event
