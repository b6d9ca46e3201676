"""What a log line may hold."""

from __future__ import annotations

import logging
import secrets

import pytest
import structlog

from trust_portal.runtime.telemetry import configure_logging


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_logged_error_shows_where_but_never_the_values_of_variables(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    secret = secrets.token_hex()
    try:
        configure_logging(log_format)
        try:
            _open(secret)
        except ValueError as error:
            structlog.get_logger("telemetry").error("unforeseen", exc_info=error)
    finally:
        logging.getLogger().handlers = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    said = capsys.readouterr().err
    assert "in _open" in said
    assert secret not in said


def _open(secret: str) -> None:
    if secret:
        raise ValueError("no such door")
