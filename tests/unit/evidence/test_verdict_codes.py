"""The list of codes is closed, and written down for outsiders."""

from pathlib import Path

from trust_portal.evidence import verdict
from trust_portal.evidence.verdict import NEXT, Code

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "receipts.md"


def test_every_code_is_explained_and_says_what_to_do_next() -> None:
    page = PAGE.read_text()
    for code in Code:
        assert code.value == code.name
        assert f"`{code}`" in page, code
        assert f"\n{code} " in (verdict.__doc__ or ""), code
        assert NEXT[code].endswith("."), code
    assert set(NEXT) == set(Code)
