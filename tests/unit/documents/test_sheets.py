"""Style sheets for paper say everywhere what their custom properties stand for."""

from __future__ import annotations

import pytest

from trust_portal.documents.sheets import settled


def test_the_last_value_set_stands_in_every_sheet() -> None:
    first = ':root { --ink: #111111; --sans: "House Sans", serif; }\nb { color: var(--ink); }'
    second = ":root { --ink: #222222; }\ni { font: 1rem var( --sans ); border: 1px solid var(--ink); }"
    one, two = settled([first, second])
    assert one.endswith("b { color: #222222; }"), "also where it is used before it is set anew"
    assert two.endswith('i { font: 1rem "House Sans", serif; border: 1px solid #222222; }')


def test_a_name_that_nobody_sets_is_refused() -> None:
    with pytest.raises(ValueError, match="no style sheet sets --ink"):
        settled(["b { color: var(--ink); }"])
