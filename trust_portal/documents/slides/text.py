"""Text of a drawing (ECMA-376 part 1, 21.1.2) as it is compared: all that is shown, and no white space of its own."""

from __future__ import annotations

from typing import Any, Final

_SILENT: Final = frozenset({"bodyPr", "lstStyle", "pPr", "rPr", "endParaRPr"})


def words_in(body: Any, page: int | None = None) -> str:
    """All that is written under ``body``. A field, an equation or whatever else is no plain run is named with its text,
    for an editor shows it otherwise than the text says; the number of ``page`` alone is passed over.
    """
    return plain("\n".join(_written(each, page) for each in body if _tag(each) not in _SILENT))


def _written(element: Any, page: int | None) -> str:
    match _tag(element):
        case "p":
            return "".join(_written(each, page) for each in element if _tag(each) not in _SILENT)
        case "r":
            return "".join(each.text or "" for each in element if _tag(each) == "t")
        case "br":
            return "\n"
        case "":
            return ""
        case "fld" if page is not None and element.get("type") == "slidenum" and _number(element, page):
            return ""
        case tag:
            return f"[{tag}] " + "".join(each.text or "" for each in element.iter() if _tag(each) == "t")


def _number(field: Any, page: int) -> bool:
    return "".join(each.text or "" for each in field if _tag(each) == "t") in {
        "",
        "‹#›",
        "<#>",
        "<number>",
        str(page),
    }


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def number(value: object) -> str:
    """Editors write the same double in other digits."""
    return repr(float(str(value)))


def plain(text: str) -> str:
    return " ".join(text.split())
