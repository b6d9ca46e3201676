"""A PDF is the same bytes every time, fetches nothing, and tells assistive technology what it is."""

import hashlib
import logging
import os
import re
import subprocess
import sys
import zlib

import pytest

from trust_portal.documents.pdf import render_pdf
from trust_portal.documents.typesetting import ForbiddenFetch

HTML = """<!doctype html><html lang="en"><head><title>t</title>
<meta name="dcterms.created" content="2026-07-01T06:00:00Z"></head>
<body><h1>June 2026</h1><p>99.900463% of Żółć, Ελλάδα and Москва</p>
<svg viewBox="0 0 9 9" width="9" height="9" role="img"><title>a chart</title><path d="M0 0h9v9z"/></svg>
<table><caption>c</caption><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>
</body></html>"""
ELSEWHERE = """
import hashlib, sys
from trust_portal.documents.pdf import render_pdf
pdf = render_pdf(sys.stdin.read(), title="Report", lang="en", identifier="id-1")
print(hashlib.sha256(pdf).hexdigest())
"""


def pdf_of(html=HTML, **changes):
    return render_pdf(html, **{"title": "Report", "lang": "en", "identifier": "id-1", **changes})


def test_two_processes_make_the_same_bytes():
    expected = hashlib.sha256(pdf_of()).hexdigest()
    for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/Denver")):
        other = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            input=HTML,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        )
        assert other.stdout.strip() == expected


def test_what_was_printed_before_leaves_no_trace():
    first = pdf_of()
    pdf_of(HTML.replace("June", "Something else entirely"))
    assert pdf_of() == first


def test_identifier_and_dates_come_from_the_document():
    pdf = pdf_of()
    assert pdf_of(identifier="id-2") != pdf
    assert b"2026-07-01T06:00:00Z" in _plain(pdf)
    assert hashlib.sha256(b"id-1").hexdigest()[:32].encode() in pdf


def test_the_faces_are_ours_and_embedded():
    names = set(re.findall(rb"/FontName /[A-Z]{6}\+([\w-]+)", _plain(pdf_of())))
    assert names
    assert all(name.startswith(b"House-") for name in names)


def test_it_is_tagged_and_says_its_title_and_language():
    pdf = _plain(pdf_of(title="SLA report, June 2026", lang="en-GB"))
    assert b"/MarkInfo" in pdf
    assert b"/Lang (en-GB)" in pdf
    assert b"pdfuaid:part" in pdf
    assert b"(SLA report, June 2026)" in pdf


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/pixel.png",
        "http://127.0.0.1:1/x.png",
        "file:///etc/hostname",
        "file:///etc/passwd.png",
        "../pyproject.toml",
        "/../../etc/passwd.png",
        "/..%2f..%2fetc/passwd.png",
        "https://static.invalid/fonts/NOTICE",
        "https://static.invalid/icons/absent.svg",
        "ftp://example.com/x.png",
    ],
)
def test_a_document_may_fetch_nothing_but_our_own_files(address):
    with pytest.raises(ForbiddenFetch):
        pdf_of(f'<html lang="en"><title>t</title><body><img alt="x" src="{address}"></body></html>')


def test_our_own_pictures_may_be_used():
    with_picture = HTML.replace("<h1>", '<img alt="seal" src="/icons/seal.svg"><h1>')
    assert pdf_of(with_picture) != pdf_of()


@pytest.mark.parametrize("missing", ["title", "lang"])
def test_without_title_or_language_nothing_is_printed(missing):
    with pytest.raises(ValueError, match="title and a language"):
        pdf_of(**{missing: ""})


def test_our_sheets_print_without_complaint(caplog):
    caplog.set_level(logging.ERROR, logger="weasyprint")
    pdf_of()
    assert not caplog.records


def _plain(pdf):
    """The file with its compressed streams opened, for looking into."""
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            parts.append(stream)
    return b"\n".join(parts)
