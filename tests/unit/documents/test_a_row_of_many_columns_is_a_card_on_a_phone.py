"""What the markup of tables gives a phone: the name of its column beside each value."""

from __future__ import annotations

import re

from trust_portal.documents.cards import cards
from trust_portal.web.templating import portal_templates

FRAMED = """{% import "components/blocks.html" as blocks %}
{% call blocks.frame("Credits") %}<table class="table table-calm">
  <thead><tr><th scope="col">For</th><th scope="col">Kind</th><th scope="col" class="cell-num">Amount <span class="hidden-visually">in EUR</span></th><th scope="col">“Why” &amp; how</th></tr></thead>
  <tbody>
    <tr><th scope="row">June</th><td>credit</td><td class="cell-num"><strong>1.00</strong></td><td> </td></tr>
    <tr><th scope="row">July</th><td colspan="3">Not decided yet</td></tr>
  </tbody>
</table>{% endcall %}"""
COMPONENT = """{% import "components/blocks.html" as blocks %}
{{ blocks.table("Credits", columns, rows) }}"""


def test_each_value_of_a_framed_table_is_labelled_and_nothing_else_of_it_changes():
    html = portal_templates().from_string(FRAMED).render()
    assert '<table class="table table-calm table-cards">' in html
    assert re.findall(r'<td(.*?) data-label="(.*?)">(.*?)</td>', html) == [
        ("", "Kind", "credit"),
        (' class="cell-num"', "Amount in EUR", "<strong>1.00</strong>"),
    ]
    table = re.search(r"<table.*</table>", FRAMED, re.DOTALL)
    assert table is not None
    assert re.sub(r' table-cards| data-label="[^"]*"', "", html).count(table[0]) == 1


def test_what_has_no_value_gets_no_label_and_neither_does_what_spans_columns():
    html = portal_templates().from_string(FRAMED).render()
    assert "<td> </td>" in html
    assert '<td colspan="3">Not decided yet</td>' in html


def test_a_label_keeps_what_would_end_it():
    head = "".join(f'<th scope="col">{each}</th>' for each in ("A", "B", 'say "so" &amp; &lt;go&gt;', "D"))
    row = '<tr><th scope="row">a</th><td>b</td><td>c</td><td>d</td></tr>'
    html = cards(f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{row}</tbody></table>')
    assert 'data-label="say &quot;so&quot; &amp; &lt;go&gt;"' in html


def test_a_table_of_three_columns_stays_one_and_so_do_tables_that_stand_in_the_same_columns():
    columns = [{"label": each} for each in "ABCD"]
    render = portal_templates().from_string(COMPONENT).render
    assert "data-label" not in render(columns=columns[:3], rows=[("a", "b", "c")])
    html = str(render(columns=columns, rows=[("a", "b", "c", "d")]))
    assert html.count("data-label") == 3
    kept = re.sub(r' table-cards| data-label="."', "", html).replace(
        'class="table"', 'class="table table-even"'
    )
    assert cards(kept) == kept
