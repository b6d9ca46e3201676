"""A table without rows: its caption and a sentence, no columns over nothing."""

from __future__ import annotations

import pytest

from trust_portal.web.templating import portal_templates

TABLE = """{% import "components/blocks.html" as blocks %}
{{ blocks.table("Credits", [{"label": "For"}, {"label": "Kind"}, {"label": "Amount"}, {"label": "At"}], rows, empty="None was issued.") }}"""


def rendered(rows):
    return portal_templates().from_string(TABLE).render(rows=rows)


def test_what_is_empty_is_said_under_the_caption_and_nothing_is_to_be_scrolled():
    html = rendered([])
    assert "<caption>Credits</caption>" in html
    assert "None was issued." in html
    assert "<thead" not in html
    assert "tabindex" not in html


@pytest.mark.parametrize("rows", [[("June", "credit", "1", "now")]])
def test_what_has_a_row_has_its_columns_and_is_reached_by_keyboard(rows):
    html = rendered(rows)
    assert html.count('<th scope="col"') == 4
    assert 'tabindex="0" role="region" aria-label="Credits"' in html
    assert "None was issued." not in html
