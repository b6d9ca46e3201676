"""CSV that other programs read back exactly, and that no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.documents.csv import write_csv


def test_lines_end_as_the_rfc_says_and_quotes_are_doubled():
    assert write_csv(["a", "b"], [["x", 'say "hi"'], [1, None]]) == b'a,b\r\nx,"say ""hi"""\r\n1,\r\n'


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+cmd", "-2+3", "\t=1", '=HYPERLINK("http://x")', "＝1"]
)
def test_a_formula_becomes_text(text):
    cell = next(csv.reader(io.StringIO(write_csv(["a"], [[text]]).decode().split("\r\n", 1)[1])))[0]
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["-12", "+3.50", "-0.5"])
def test_signed_numbers_stay_numbers(text):
    assert write_csv(["a"], [[text]]) == f"a\r\n{text}\r\n".encode()


def test_a_ragged_table_is_refused():
    with pytest.raises(ValueError, match="row 1 has 1 cells, the header 2"):
        write_csv(["a", "b"], [["1", "2"], ["1"]])


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=2, max_size=2)))
def test_what_is_written_reads_back(rows):
    text = write_csv(["a", "b"], rows).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
