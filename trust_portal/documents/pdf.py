"""HTML to PDF: the same document gives the same bytes, and nothing is ever fetched.

The typesetter, its fonts and the system's libraries are loaded with the first page that is set: most
processes never set one, and start in two thirds of the time.
"""

from __future__ import annotations


def render_pdf(html: str, *, title: str, lang: str, identifier: str) -> bytes:
    """``html`` (a whole document) as PDF bytes, equal for equal input.

    ``identifier`` names the document for good (its digest or id); the PDF's own file identifier is
    derived from it. ``html`` states its dates itself: ``<meta name="dcterms.created">``.
    Blocking and CPU-bound: call it from a job or a thread. Raises ``ForbiddenFetch`` if the document
    refers to anything outside the static folder, ``ValueError`` if ``title`` or ``lang`` is missing,
    without which no reader is told what it opened.
    """
    if not title or not lang:
        raise ValueError("a document needs a title and a language")
    from trust_portal.documents.typesetting import typeset  # noqa: PLC0415 - as said above

    return typeset(html, title=title, lang=lang, identifier=identifier)
