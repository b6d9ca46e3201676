"""docs/notifications.md names every topic that people and systems can be told about."""

from __future__ import annotations

import re
from pathlib import Path

from trust_portal.notify.topics import RULES, Topic

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()


def test_every_topic_has_its_row() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", PAGE.partition("## Topics")[2], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)}
    assert named == {topic.value for topic in Topic} - {Topic.WEBHOOK_TEST}


def test_what_cannot_be_turned_off_is_said() -> None:
    (said,) = re.findall(r"but not for (.+?)\. The inbox", PAGE)
    assert set(re.findall(r"`([a-z_.]+)`", said)) == {
        topic.value for topic, rule in RULES.items() if rule.insistent
    }
