"""Causes of a delta: found over several dimensions, and adding up to the last digit."""

from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust_portal.cost.explanation.attribution import attribute, attribute_around_acts, attribute_to_parts
from trust_portal.cost.explanation.model import plain
from trust_portal.cost.explanation.table import build_table, read_table
from trust_portal.errors import InvalidInput

REGIONS, OPERATIONS, ADAPTERS = ("ap", "eu", "us"), ("export", "list", "read", "write"), ("gcs", "s3")


def grid(change=lambda region, operation, adapter, cost: cost, *, noise=0.0):
    random = np.random.default_rng(5)
    rows = list(product(REGIONS, OPERATIONS, ADAPTERS))
    expected = [int(each) for each in random.integers(1_000, 9_000, len(rows))]
    actual = [
        round(change(*row, cost) * (1 + random.normal(0, noise)))
        for row, cost in zip(rows, expected, strict=True)
    ]
    columns = dict(zip(("region", "operation", "adapter"), zip(*rows, strict=True), strict=True))
    return build_table(columns, expected, actual, digits=2)


def wheres(attribution):
    return {frozenset(cause.where.items()) for cause in attribution.causes}


def test_a_cause_in_two_dimensions_is_named_by_both():
    table = grid(
        lambda region, operation, _, cost: cost * 4 if (region, operation) == ("eu", "export") else cost
    )
    attribution = attribute(table)
    assert [dict(cause.where) for cause in attribution.causes] == [{"region": "eu", "operation": "export"}]
    (cause,) = attribution.causes
    assert cause.contribution == attribution.delta == 3 * cause.expected
    assert attribution.unexplained == 0
    assert (cause.share, cause.rows) == (1.0, 2)
    assert cause.confidence > 0.9


def test_several_causes_are_found_through_noise():
    def change(region, operation, adapter, cost):
        if adapter == "gcs" and operation == "write":
            return cost * 3
        return cost * 2 if region == "us" else cost

    found = wheres(attribute(grid(change, noise=0.02)))
    assert frozenset({("region", "us")}) in found
    assert frozenset({("operation", "write"), ("adapter", "gcs")}) in found or any(
        {("operation", "write"), ("adapter", "gcs")} <= where for where in found
    )


def test_a_rise_and_a_fall_that_cancel_are_two_causes_and_no_delta():
    table = build_table(
        {"resource": ["a", "b", "c", "d", "e", "f"]},
        [100, 100, 50, 60, 70, 80],
        [150, 50, 50, 60, 70, 80],
        digits=0,
    )
    attribution = attribute(table)
    assert attribution.delta == attribution.unexplained == 0
    assert {cause.where["resource"]: cause.contribution for cause in attribution.causes} == {
        "a": 50,
        "b": -50,
    }
    assert [cause.share for cause in attribution.causes] == [None, None]


def test_cost_out_of_nothing_is_a_cause():
    table = build_table(
        {"resource": ["a", "b", "c", "new"], "adapter": ["s3", "s3", None, None]},
        [100, 100, 100, 0],
        [100, 101, 99, 500],
        digits=0,
    )
    assert [dict(cause.where) for cause in attribute(table).causes] == [{"resource": "new"}]


def test_the_absence_of_a_value_can_be_the_cause():
    adapters = ["s3", "gcs", None] * 8
    table = build_table(
        {"adapter": adapters, "region": [f"r{index // 3}" for index in range(24)]},
        [100] * 24,
        [100 if adapter else 250 for adapter in adapters],
        digits=0,
    )
    assert [dict(cause.where) for cause in attribute(table).causes] == [{"adapter": ""}]


def test_the_shortest_name_of_the_same_rows_is_used():
    table = build_table(
        {"region": ["eu", "eu", "us", "us"], "operation": ["export", "read", "read", "list"]},
        [10, 10, 10, 10],
        [90, 10, 10, 10],
        digits=0,
    )
    assert [dict(cause.where) for cause in attribute(table).causes] == [{"operation": "export"}]


def test_what_rose_everywhere_is_one_cause_without_a_where():
    attribution = attribute(grid(lambda *row: row[-1] * 2))
    assert [dict(cause.where) for cause in attribution.causes] == [{}]
    assert attribution.causes[0].contribution == attribution.delta


def test_a_table_of_one_part_blames_it():
    table = build_table({"region": ["eu", "eu"]}, [10, 10], [30, 20], digits=0)
    attribution = attribute(table)
    assert [(dict(cause.where), cause.contribution) for cause in attribution.causes] == [
        ({"region": "eu"}, 30)
    ]


@pytest.mark.parametrize("columns", [{}, {"region": ["eu", "us"]}])
def test_nothing_is_explained_where_nothing_stands_out(columns):
    attribution = attribute(build_table(columns, [0, 0], [0, 0], digits=0))
    assert (attribution.delta, attribution.causes, attribution.unexplained) == (0, (), 0)


def test_without_dimensions_all_of_it_is_unexplained():
    attribution = attribute(build_table({}, [1, 2], [5, 5], digits=1))
    assert (attribution.delta, attribution.causes, attribution.unexplained) == (
        Decimal("0.7"),
        (),
        Decimal("0.7"),
    )


def test_noise_alone_has_no_cause():
    random = np.random.default_rng(3)
    rows = list(product(range(10), range(8), range(6)))
    columns = {name: [str(row[place]) for row in rows] for place, name in enumerate("abc")}
    expected = random.integers(1_000, 100_000, len(rows))
    actual = np.maximum((expected * (1 + random.normal(0, 0.2, len(rows)))).astype(int), 0)
    assert attribute(build_table(columns, expected.tolist(), actual.tolist(), digits=2)).causes == ()


def test_the_order_of_rows_does_not_matter():
    def change(region, operation, _, cost):
        return cost * 4 if (region, operation) == ("eu", "export") else cost

    table = grid(change, noise=0.05)
    order = np.random.default_rng(1).permutation(table.codes.shape[1])
    columns = {
        name: [values[code] for code in codes[order]]
        for name, values, codes in zip(table.dimensions, table.values, table.codes, strict=True)
    }
    shuffled = build_table(columns, table.expected[order].tolist(), table.actual[order].tolist(), digits=2)
    assert attribute(shuffled) == attribute(table)


names = st.sampled_from(["", "a", "b", "c", "ü;,"])
amounts = st.one_of(
    st.integers(-50, 50),
    st.integers(-(10**9), 10**9),
    st.integers(-(10**40), 10**40),
    st.sampled_from([0, 0, 1, 10**150, -(10**150)]),
)


@settings(max_examples=80)
@given(
    st.integers(0, 4).flatmap(
        lambda width: st.lists(
            st.tuples(st.tuples(*[st.none() | names] * width), amounts, amounts), min_size=0, max_size=30
        ).map(lambda rows: (width, rows))
    ),
    st.integers(0, 8),
)
def test_contributions_and_the_rest_are_the_delta_to_the_last_digit(drawn, digits):
    width, rows = drawn
    columns = {f"d{place}": [row[0][place] for row in rows] for place in range(width)}
    table = build_table(columns, [row[1] for row in rows], [row[2] for row in rows], digits=digits)
    attribution = attribute(table)
    delta = Fraction(sum(row[2] - row[1] for row in rows), 10**digits)
    assert Fraction(attribution.delta) == delta
    parts = sum((Fraction(cause.contribution) for cause in attribution.causes), Fraction(0))
    assert parts + Fraction(attribution.unexplained) == delta
    for place, cause in enumerate(attribution.causes):
        assert Fraction(cause.actual) - Fraction(cause.expected) == Fraction(cause.contribution)
        own = np.flatnonzero(attribution.owners == place)
        assert len(own) == cause.rows
        assert table.rows(cause.where)[own].all()
        assert Fraction(sum(rows[row][2] for row in own), 10**digits) == Fraction(cause.actual)
        assert 0 <= cause.confidence <= 1
        assert set(cause.where) <= set(columns)
        assert cause.rows > 0


@given(st.lists(st.tuples(names, st.floats(-1e15, 1e15), st.decimals(-1000, 1000, places=4)), min_size=1))
def test_a_file_keeps_every_digit_of_its_numbers(rows):
    quoted = {"ü;,": '"ü;,"'}
    lines = "".join(f"{quoted.get(name, name)},{expected!r},{actual}\n" for name, expected, actual in rows)
    attribution = attribute(read_table(f"kind,expected,actual\n{lines}".encode()))
    delta = sum((Fraction(actual) - Fraction(repr(expected)) for _, expected, actual in rows), Fraction(0))
    assert Fraction(attribution.delta) == delta


@pytest.mark.parametrize(
    ("units", "digits", "text"),
    [(0, 2, "0"), (1250, 2, "12.5"), (-5, 3, "-0.005"), (1200, 2, "12"), (7, 0, "7"), (-1200, 0, "-1200")],
)
def test_amounts_are_printed_without_superfluous_zeros(units, digits, text):
    assert str(plain(units, digits)) == text


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("region,actual\neu,1\n", "series", "no column expected"),
        ("region,expected,actual\neu,1,\n", "actual, row 1", "no decimal number"),
        ("region,expected,actual\neu,1,2\nus,NaN,2\n", "expected, row 2", "'NaN' is no decimal number"),
        ("region,expected,actual\neu,1e200,2\n", "expected, row 1", "'1e200' is no decimal number"),
        ("region,region,expected,actual\neu,eu,1,2\n", "series", "same name"),
        ("region,expected,actual\neu,1,2,3\n", "series", "no CSV"),
        ("", "series", "no column expected"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_field(text, field, says):
    with pytest.raises(InvalidInput) as refusal:
        read_table(text.encode())
    assert refusal.value.field == field
    assert says in refusal.value.message


def test_a_file_that_is_no_text_is_refused():
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_table(b"PAR1\xff\xfe")


def test_a_file_may_have_a_byte_order_mark_blanks_and_exponents():
    table = read_table("\ufeffexpected,actual,region\n 1e2 ,2.5E+2,eu\n.5,1.,us\n".encode())
    assert table.dimensions == ("region",)
    assert (table.digits, table.expected.tolist(), table.actual.tolist()) == (1, [1000, 5], [2500, 10])


def test_what_a_playbook_changed_does_not_hide_the_cause_that_stood_out_before():
    """Exports are six times dearer, and then two of three calls of one adapter are kept away."""

    def dearer(region, operation, adapter, cost):
        return cost * 6 if operation == "export" else cost

    def cached(region, operation, adapter, cost):
        return dearer(region, operation, adapter, cost) // (3 if adapter == "s3" else 1)

    before, table = grid(dearer), grid(cached)
    alone = attribute_to_parts(table, comparable=True)

    found = attribute_around_acts(table, before, comparable=True)

    assert (alone.causes, alone.unexplained, alone.delta) == ((), Decimal("622.05"), Decimal("622.05"))
    assert wheres(found) == {frozenset({("operation", "export")})}
    assert found.causes[0].contribution == Decimal("913.11")
    assert (found.unexplained, found.delta) == (Decimal("-291.06"), Decimal("622.05"))
    assert attribute_around_acts(table, None, comparable=True) == alone


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_around_acts_the_parts_still_are_the_delta_to_the_last_digit(seed):
    random = np.random.default_rng(seed)
    before, table = (grid(lambda *_args: int(random.integers(0, 50_000)), noise=0.0) for _ in range(2))
    found = attribute_around_acts(table, before, comparable=True)
    assert sum((each.contribution for each in found.causes), found.unexplained) == found.delta
    owned = [
        int(((table.actual - table.expected)[found.owners == n]).sum()) for n in range(len(found.causes))
    ]
    assert [table.amount(each) for each in owned] == [each.contribution for each in found.causes]
