"""Markdown that people write becomes HTML that can do no harm."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.learning.postmortems.prose import to_html


def test_emphasis_lists_code_and_tables_are_kept():
    assert to_html("A **queue** of `jobs`:\n\n- one\n- two") == (
        "<p>A <strong>queue</strong> of <code>jobs</code>:</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
    )
    assert "<th>when</th>" in to_html("| when |\n|---|\n| now |")


def test_headings_are_set_below_those_of_the_page():
    assert to_html("# One\n\n### Three") == "<h4>One</h4>\n<h6>Three</h6>\n"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "![pixel](https://evil.example/p.png)",
        "<a href='#' onclick='x()'>a</a>",
        "[x](data:text/html,hi)",
    ],
)
def test_what_could_act_or_fetch_is_text(text):
    html = to_html(text)
    assert not re.search(r"<(script|img|iframe|style)|<[^>]*\son\w+=|<a href=\"(javascript|data):", html)


def test_links_lead_away_without_telling_from_where():
    assert to_html("[status](https://status.example/1)") == (
        '<p><a href="https://status.example/1" rel="noopener noreferrer nofollow">status</a></p>\n'
    )


@given(st.text(max_size=300))
def test_only_known_tags_come_out_of_any_text(text):
    tags = set(re.findall(r"</?([a-z0-9]+)", to_html(text)))
    allowed = {
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    }
    assert tags <= allowed
