"""What somebody looks at again before a customer gets it."""

from __future__ import annotations

import pytest

from trust_portal.learning.postmortems.lint import LintCode, Warned, lint, naming_another

PEOPLE = ("Ines Okafor", "Li")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("ines okafor restarted it", LintCode.PERSON, "ines okafor"),
        ("Okafor restarted it", LintCode.PERSON, "Okafor"),
        ("Ines was on call", LintCode.PERSON, "Ines"),
        ("ask ines.okafor@vendor.example", LintCode.PERSON, "ines.okafor@vendor.example"),
        ("db1.vendor.de was full", LintCode.HOST, "db1.vendor.de"),
        ("bucket.eu-1.vendor.cloud is ours", LintCode.HOST, "bucket.eu-1.vendor.cloud"),
        ("status.vendor.io said so", LintCode.HOST, "status.vendor.io"),
        ("the same hit Contoso Ltd too", LintCode.OTHER_CUSTOMER, "Contoso Ltd"),
        ("db-3.prod.internal was full", LintCode.HOST, "db-3.prod.internal"),
        ("10.0.4.17 did not answer", LintCode.HOST, "10.0.4.17"),
        ("see https://wiki.corp/x?y", LintCode.HOST, "https://wiki.corp/x?y"),
        ("2001:db8::1 did not answer", LintCode.HOST, "2001:db8::1"),
        ("bound to ::1 alone", LintCode.HOST, "::1"),
        ("fe80:0:0:1:2:3:4:5 did not answer", LintCode.HOST, "fe80:0:0:1:2:3:4:5"),
        ("orders-db-1:5432 was full", LintCode.HOST, "orders-db-1:5432"),
        ("behind gateway:443 it was", LintCode.HOST, "gateway:443"),
        ("it asked localhost", LintCode.HOST, "localhost"),
        ("db.aurora.cn was full", LintCode.HOST, "db.aurora.cn"),
        ("db.aurora.it was full", LintCode.HOST, "db.aurora.it"),
        (f"with key {'9f86d081' * 8} it opened", LintCode.SECRET, f"key {'9f86d081' * 8}"),
        (f"Authorization: Bearer {'5d41402a' * 4}", LintCode.SECRET, f"Bearer {'5d41402a' * 4}"),
        ("the password is hunter22, still", LintCode.SECRET, "password is hunter22"),
        ("it was the operator's mistake", LintCode.BLAME, "operator's mistake"),
        ("it was the operators’ fault", LintCode.BLAME, "operators’ fault"),
        ("the night shift screwed up", LintCode.BLAME, "screwed up"),
        ("who was at fault?", LintCode.BLAME, "at fault"),
        ("with AKIAIOSFODNN7EXAMPLE in the log", LintCode.SECRET, "AKIAIOSFODNN7EXAMPLE"),
        ("password: hunter22", LintCode.SECRET, "password: hunter22"),
        ("q7Zt2LxV9rKp4WmN8bYc3HfD6sGj1QaE", LintCode.SECRET, "q7Zt2LxV9rKp4WmN8bYc3HfD6sGj1QaE"),
        ("it was human error", LintCode.BLAME, "human error"),
        ("They should have known.", LintCode.BLAME, "should have known"),
    ],
)
def test_each_kind_is_found_with_its_words(text, code, words):
    assert lint([("written.summary", text)], PEOPLE, ("contoso", "Contoso Ltd")) == (
        Warned(code, "written.summary", words),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Exports of large accounts timed out for 31 minutes.",
        "Lima and the list of limits",
        "version 4.2.0 after 4.1.9",
        "0198a6f2-77d1-7c3e-9d0a-5b1f0a2c4e6d",
        "the default path, e.g. at night",
        "the script rotate.sh and the page README.md, in main.py",
        "a sentence.without a space",
        "at 10:30, from 09:00:12 to 09:14:00, in the ratio 1:1000",
        "the code std::min and status:500, in main.py:1204",
        f"the image sha256:{'9f86d081' * 8}",
        "the end of the line.it went on, by tenant.customer.id",
        "the password is stored hashed, the token was 5 minutes old",
        "whoever is the bearer of it, by basic authentication",
        "a certificate with key usages, and the key was lost",
        "it was nobody's fault; by mistake we looked at fault rates",
        "nobody sails ines of any kind",
    ],
)
def test_plain_language_is_left_alone(text):
    assert lint([("written.summary", text)], PEOPLE, ()) == ()


def test_ids_and_digests_are_no_words():
    assert lint([("evidence.0.sha256", "9f" * 32), ("timeline.0.id", "10.0.0.1")], (), ()) == ()


def test_a_warning_keeps_its_id_only_as_long_as_its_words():
    (before,) = lint([("written.risks", "his error")], (), ())
    (after,) = lint([("written.risks", "her error")], (), ())
    assert before.id != after.id
    assert before.message == "blames somebody: say what made it possible, not whose fault it was"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("the same at Acme EU", True),
        ("the same at acme.eu", True),
        ("we told acme", False),
        ("a", True),
        ("a thing", False),
        ("contoso had it", True),
        ("contoso north had it", False),
        ("recontosoed", False),
    ],
)
def test_another_customers_name_is_told_from_ones_own(text, named):
    """Where the one stands within the other: only what is one's own as a whole excuses it."""
    names = naming_another(
        ("acme.eu", "Acme EU", "a", "contoso"), ("acme", "Acme", "contoso north", "Contoso North")
    )
    assert names("timeline.0.text", text) is named
    assert not names("evidence.0.sha256", text)
