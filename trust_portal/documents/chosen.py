"""What is set in a form of filters, in a line: a phone shows the line, and the form when it is asked for. Pure."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

# Of our own forms (components/forms.html): a label comes before its field, and what a field is given is escaped.
_LABEL: Final = re.compile(r'<label for="([^"]+)">(.*?)</label>', re.DOTALL)
_SELECT: Final = re.compile(r'<select id="([^"]+)".*?</select>', re.DOTALL)
_OPTION: Final = re.compile(r'<option value="([^"]+)" selected>(.*?)</option>', re.DOTALL)
_INPUT: Final = re.compile(r'<input id="([^"]+)"[^>]* value="([^"]+)"')
_TAG: Final = re.compile(r"<[^>]*>")


def chosen(fields: str) -> str:
    """``State: open; Severity: P1``, in the order of the fields; empty where nothing is set."""
    markup = str(fields)
    values = {found[1]: found[2] for found in _INPUT.finditer(markup)}
    for select in _SELECT.finditer(markup):
        if option := _OPTION.search(select[0]):
            values[select[1]] = option[2]
    return "; ".join(
        f"{_plain(label)}: {_plain(values[place])}"
        for place, label in _LABEL.findall(markup)
        if place in values
    )


def _plain(markup: str) -> str:
    return " ".join(unescape(_TAG.sub("", markup)).split())
