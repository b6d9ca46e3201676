"""A demo ends in good order, whether it was told or never began."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from support.demo_process import PATIENCE, Demo

pytestmark = pytest.mark.takes(seconds=45)


def test_once_ends_by_itself_after_the_last_step(start: Callable[..., Demo]) -> None:
    """The ends of a demo do not hang on what is told between them; the whole is told by ``test_demo``."""
    demo = start("once", "--once", told=False)
    assert demo.process.wait(timeout=PATIENCE) == 0, demo.told
    assert "told nothing" in demo.told
    assert "Look around at" not in demo.told
    assert demo.left_behind() == []


def test_a_port_that_is_taken_is_refused_in_one_line(start: Callable[..., Demo]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        demo = start("refused", "--once", "--port", str(taken.getsockname()[1]))
        assert demo.process.wait(timeout=PATIENCE) == 2
    assert "is in use; name another --port" in demo.told
    assert "Traceback" not in demo.told
    assert demo.left_behind() == []
