"""What somebody sees who installed only the verifier, as the README says."""

from __future__ import annotations

import re

import pytest
from support.verifier_alone import verifier_alone

from trust_portal.cli import COMMANDS


def test_help_lists_every_command_and_says_which_need_more() -> None:
    done = verifier_alone("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = {
        name: rest.strip()
        for name, _, rest in (
            line.strip().partition(" ") for line in done.stdout.partition("Commands:")[2].splitlines()
        )
        if name
    }
    assert set(listed) == set(COMMANDS)
    assert listed["doctor"] == "(needs the whole installation)"
    assert listed["verify"].startswith("Verify BUNDLE offline")


@pytest.mark.parametrize("command", ["doctor", "serve", "tenants"])
def test_another_command_is_refused_in_one_line_that_says_what_to_install(command: str) -> None:
    done = verifier_alone(command)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"trust-portal: the Python package \w+ is not installed here, which may be the verifier alone; "
        r"this command needs the whole installation, requirements/app\.txt \[NOT_INSTALLED\]",
        line,
    )
