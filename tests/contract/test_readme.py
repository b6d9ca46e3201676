"""What the README shows can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from trust_portal.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SHOWN = re.findall(r"^    (trust-portal .+)$", README, flags=re.MULTILINE)


@pytest.mark.parametrize("line", SHOWN)
def test_every_command_it_shows_is_one(line: str) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    options, rest, _ = command.make_parser(click.Context(command)).parse_args(words)
    assert not rest
    missing = [each.name for each in command.params if each.required and options.get(each.name or "") is None]
    assert not missing


def test_it_lists_exactly_the_commands_there_are() -> None:
    table = README.partition("## Commands")[2].partition("## ")[0]
    listed = re.findall(r"`([a-z]+)`", "".join(re.findall(r"^\| (`.+?) \|", table, flags=re.MULTILINE)))
    assert sorted(listed) == sorted(COMMANDS)


def test_every_make_target_it_names_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = set(re.findall(r"(?:`|^ +)make ([a-z]+)", README, flags=re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= set(targets)


@pytest.mark.parametrize("document", ["README.md", "docs/demo.md"])
def test_every_file_it_points_to_exists(document: str) -> None:
    path = ROOT / document
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / link).exists(), link
