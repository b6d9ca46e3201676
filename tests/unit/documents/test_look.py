"""The frame and the components: accessible by construction, and nothing the content policy refuses."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from trust_portal.documents.html import asset, create_environment, integrity
from trust_portal.runtime.shipped import shipped

CONTEXT = {
    "page_title": "Components",
    "vendor": "Meridian Cloud",
    "tenant": "Northwind <Labs>",
    "person": "Ada Lindqvist",
    "demo": "Sample customers, invented figures.",
    "tenant_nav": [{"href": "/", "label": "Overview", "current": True}],
    "fingerprint": "3f9a12c4" * 8,
}


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, *names):
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="module")
def gallery():
    return create_environment().get_template("components/gallery.html").render(CONTEXT)


def test_no_page_carries_inline_script_or_style(gallery):
    page = Page(gallery)
    assert not page.all("style")
    assert all(script.get("src") for script in page.all("script"))
    assert not [
        tag for tag, attrs in page.tags if "style" in attrs or any(name.startswith("on") for name in attrs)
    ]


def test_every_script_is_pinned_by_its_digest(gallery):
    scripts = Page(gallery).all("script")
    assert len(scripts) == 3
    for script in scripts:
        body = (shipped("static") / re.fullmatch(r"/static/(.+)\?v=\w+", script["src"])[1]).read_bytes()
        assert script["integrity"] == "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()


def test_htmx_may_not_evaluate_anything(gallery):
    config = next(meta["content"] for meta in Page(gallery).all("meta") if meta.get("name") == "htmx-config")
    assert '"allowEval":false' in config
    assert '"includeIndicatorStyles":false' in config
    assert '"allowScriptTags":false' in config


def test_a_name_from_outside_is_escaped(gallery):
    assert "Northwind &lt;Labs&gt;" in gallery


def test_every_field_has_a_label_and_wrong_ones_name_their_error(gallery):
    page = Page(gallery)
    labels = {label["for"] for label in page.all("label")}
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    fields = page.all("input", "select", "textarea")
    assert {field["id"] for field in fields} == labels
    for field in fields:
        assert set(field.get("aria-describedby", "").split()) <= ids
    wrong = next(field for field in fields if field.get("aria-invalid") == "true")
    assert wrong["aria-describedby"] == "month-error"


def test_ids_are_unique(gallery):
    ids = [attrs["id"] for _, attrs in Page(gallery).tags if "id" in attrs]
    assert sorted(set(ids)) == sorted(ids)


def test_tables_have_captions_and_scoped_heads(gallery):
    page = Page(gallery)
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in head for head in page.all("th"))


@pytest.mark.parametrize(
    ("theme", "media"),
    [("auto", "screen and (prefers-color-scheme: dark)"), ("dark", "screen"), ("light", None)],
)
def test_the_reader_may_choose_a_theme_and_print_is_always_light(theme, media):
    page = Page(create_environment().get_template("base.html").render(theme=theme))
    dark = [link.get("media") for link in page.all("link") if "/dark.css" in link["href"]]
    assert dark == ([media] if media else [])


def test_a_page_without_context_still_stands():
    html = create_environment().get_template("base.html").render()
    assert '<html lang="en">' in html
    assert '<a class="skip" href="#main">' in html


def test_an_undefined_name_in_a_template_is_an_error():
    with pytest.raises(UndefinedError):
        create_environment().from_string("{{ nothing }}").render()


def test_a_new_content_has_a_new_address():
    assert re.fullmatch(r"/static/js/app\.js\?v=[0-9a-f]{12}", asset("js/app.js"))
    assert integrity("js/app.js").startswith("sha384-")


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one, other):
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("sheet", ["tokens", "dark"])
def test_every_text_colour_reads_on_every_paper(sheet):
    text = (shipped("static") / f"css/{sheet}.css").read_text()
    colour = dict(re.findall(r"--([\w-]+): (#\w{6});", text))
    washes = {
        "seal": "seal-wash",
        "good": "good-wash",
        "warn": "warn-wash",
        "bad": "bad-wash",
        "mute": "mute-wash",
    }
    for ink in ("ink", "ink-soft", "seal", "seal-strong", "good", "warn", "bad", "mute"):
        for paper in ("paper", "sheet", "well"):
            assert _contrast(colour[ink], colour[paper]) >= 4.5, (ink, paper)
    for ink, wash in washes.items():
        assert _contrast(colour[ink], colour[wash]) >= 4.5, (ink, wash)
        assert _contrast(colour["ink"], colour[wash]) >= 4.5, wash
        assert _contrast(colour["ink-soft"], colour[wash]) >= 4.5, wash
    for filled in ("seal", "seal-strong", "warn", "bad"):
        assert _contrast(colour["sheet"], colour[filled]) >= 4.5, filled
    for edge in ("rule-strong", "chart-unknown", "chart-down", "chart-line"):
        assert _contrast(colour[edge], colour["sheet"]) >= 3, edge


@pytest.mark.parametrize(("filters", "required"), [(False, True), (True, False)])
def test_a_choice_for_nothing_in_particular_can_be_sent_from_a_browser(filters, required):
    """An empty first choice of a required select is no choice (HTML, the select element): a form would not go."""
    forms = create_environment().get_template("components/forms.html").module
    page = Page(forms.select("for", "For", [("", "All together"), ("x", "X")], filter=filters))
    assert [("required" in each) for each in page.all("select")] == [required]
