"""What an anomaly's hours are made of, to the last digit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trust_portal.cost.explanation.attribution import attribute_to_parts
from trust_portal.cost.explanation.drivers import apportion, cost_table, drivers
from trust_portal.cost.metering.model import Part, PlaceCost, Series

HOUR = datetime(2026, 6, 10, 14, tzinfo=UTC)


def part(resource, operation, cost, adapter=None, **labels):
    return Part(
        HOUR,
        Series("egress", "EUR"),
        resource,
        operation,
        "eu",
        adapter,
        "GB",
        labels,
        Decimal(1),
        Decimal(cost),
        1,
    )


def test_what_was_expected_is_split_as_comparable_hours_were():
    before = [part("lb", "get", "10"), part("lb", "export", "30", flag="bulk")]
    window = [part("lb", "get", "5"), part("lb", "export", "95.50", flag="bulk")]
    table = cost_table(window, before, Decimal("20.01"))
    found = {(each.dimension, each.value): each for each in drivers(table)}
    assert found["operation", "export"].expected == Decimal("15.01")  # three quarters of 20.01, rounded up
    assert found["operation", "get"].expected == Decimal(5)
    assert found["operation", "export"].contribution == Decimal("80.49")
    assert found["flag", "bulk"].contribution == Decimal("80.49")
    assert ("region", "eu") not in found  # one value says nothing


def test_the_drivers_of_every_dimension_add_up_to_the_delta():
    before = [part("a", "get", "1"), part("b", "get", "2", "s3"), part("c", "put", "0.0001")]
    window = [part("a", "get", "7.77"), part("d", "put", "3"), part("c", "put", "1")]
    table = cost_table(window, before, Decimal("3.333333"))
    delta = Decimal("11.77") - Decimal("3.333333")
    for dimension in ("resource", "operation", "adapter"):
        parts = [each.contribution for each in drivers(table) if each.dimension == dimension]
        assert sum(parts) == delta


def test_without_anything_comparable_nothing_is_explained():
    table = cost_table([part("a", "get", "5"), part("b", "put", "7")], [], Decimal(4))
    found = attribute_to_parts(table, comparable=False)
    assert (found.delta, found.causes, found.unexplained) == (Decimal(8), (), Decimal(8))


def test_what_rose_everywhere_stays_unexplained():
    before = [part(name, way, "10") for name in "abcd" for way in ("get", "put")]
    window = [part(name, way, "20") for name in "abcd" for way in ("get", "put")]
    found = attribute_to_parts(cost_table(window, before, Decimal(80)), comparable=True)
    assert (found.delta, found.causes, found.unexplained) == (Decimal(80), (), Decimal(80))


def test_a_part_that_exploded_is_named_though_all_the_others_fell_short_of_the_forecast():
    """A night at the weekend, expected to cost what a night in the week does; four parts, one of them wild."""
    usual = [part("edge", "send", "12"), part("archive", "export", "3"), part("archive", "preview", "3")]
    before = [*usual, part("archive", "export", "0.12", flag="v2")]
    window = [*usual, part("archive", "export", "640", flag="v2")]
    found = attribute_to_parts(cost_table(window, before, Decimal("28.70")), comparable=True)
    assert [dict(cause.where) for cause in found.causes] == [{"flag": "v2"}]
    assert found.causes[0].contribution == Decimal("639.81")
    assert (found.delta, found.unexplained) == (Decimal("629.30"), Decimal("-10.51"))


def test_a_cause_bears_the_name_that_fits_it_alone():
    """All without the flag came out a little dearer; what remains is the flag's, not all of the exports'."""
    usual = [
        part("edge", "send", "12"),
        part("edge", "export", "3", feature="exports", version="1"),
        part("edge", "preview", "3", feature="exports", version="2"),
    ]
    flagged = {"feature": "exports", "flag": "v2", "version": "2"}
    before = [*usual, part("edge", "export", "0.1", **flagged)]
    window = [*usual, part("edge", "export", "640", **flagged)]
    found = attribute_to_parts(cost_table(window, before, Decimal(17)), comparable=True)
    assert [dict(cause.where) for cause in found.causes] == [{"flag": "v2"}, {"flag": ""}]


def test_cost_that_ceased_altogether_is_still_a_delta():
    found = attribute_to_parts(cost_table([], [], Decimal("2.50")), comparable=False)
    assert (found.delta, found.unexplained) == (Decimal("-2.5"), Decimal("-2.5"))


@given(st.integers(-(10**30), 10**30), st.lists(st.integers(-(10**12), 10**12), min_size=1))
def test_shares_are_whole_and_add_up(amount, weights):
    shares = apportion(amount, weights)
    assert sum(shares) == amount
    if total := sum(weights):
        for share, weight in zip(shares, weights, strict=True):
            assert abs(Fraction(share) - Fraction(amount * weight, total)) <= 1


amounts = st.builds(
    lambda units, digits: Decimal(units).scaleb(-digits), st.integers(-(10**6), 10**24), st.integers(0, 9)
)
used = st.lists(
    st.builds(
        lambda resource, operation, cost, adapter, labels, hour: replace(
            part(resource, operation, cost, adapter, **labels), hour=HOUR + timedelta(hours=hour)
        ),
        st.sampled_from("abc"),
        st.sampled_from(["get", "put", "é"]),
        amounts,
        st.sampled_from([None, "", "s3"]),
        st.dictionaries(st.sampled_from(["flag", "region", "version"]), st.sampled_from(["", "1", "2"])),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(used, used, amounts)
def test_causes_and_the_drivers_of_every_dimension_add_up_to_actual_less_expected(window, before, expected):
    table = cost_table(window, before, expected)
    found = attribute_to_parts(table, comparable=bool(before))
    split = drivers(table)
    with localcontext(prec=200):
        delta = sum((each.cost for each in window), Decimal(0)) - expected
        assert found.delta == delta
        assert sum((each.contribution for each in found.causes), found.unexplained) == delta
        for name, values in zip(table.dimensions, table.values, strict=True):
            here = [each for each in split if each.dimension == name]
            assert len(here) == (len(values) if len(values) > 1 else 0)
            if here:
                assert sum(each.contribution for each in here) == delta
                assert sum(each.expected for each in here) == expected
            assert all(each.contribution == each.actual - each.expected for each in here)


@given(used, used, amounts, st.randoms())
def test_hours_summed_up_before_split_as_they_do_one_by_one(window, before, expected, random):
    shuffled = random.sample(window, len(window))
    one, other = cost_table(window, before, expected), cost_table(summed(shuffled), summed(before), expected)
    assert (one.dimensions, one.values, one.digits) == (other.dimensions, other.values, other.digits)
    assert (one.codes.tolist(), one.expected.tolist(), one.actual.tolist()) == (
        other.codes.tolist(), other.expected.tolist(), other.actual.tolist()
    )  # fmt: skip


def summed(parts):
    """As the database sums them up: one row per combination, as many digits as the longest."""
    sums = {}
    with localcontext(prec=200):
        for each in parts:
            place = (
                each.resource,
                each.operation,
                each.region,
                each.adapter,
                tuple(sorted(each.labels.items())),
            )
            sums[place] = sums.get(place, Decimal(0)) + each.cost
    return [PlaceCost(*place[:4], dict(place[4]), cost) for place, cost in sums.items()]
