"""No URL that somebody wrote lends them our place in the network."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from trust_portal.errors import InvalidInput
from trust_portal.notify.webhooks.destination import Target, Unreachable, may_go, require_url, resolve

OWN = (ip_network("10.1.0.0/16"), ip_network("127.0.0.0/8"))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.1", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_out_of_reach_in_every_spelling(address: str) -> None:
    assert not may_go(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_a_public_address_is_not(address: str) -> None:
    assert may_go(ip_address(address))


def test_the_operators_own_networks_are_reached_and_nothing_beside_them() -> None:
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1"):
        assert may_go(ip_address(address), OWN)
    for address in ("10.2.0.1", "192.168.0.1", "::1"):
        assert not may_go(ip_address(address), OWN)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://hooks.example/", "write a URL that begins with https://"),
        ("http://hooks.example/", "write a URL that begins with https://"),
        ("hooks.example", "write a URL that begins with https://"),
        ("https:///path", "write a URL that begins with https://"),
        ("https://u:p@hooks.example/", "write a URL without a user, a password and a #fragment"),
        ("https://hooks.example@127.0.0.1/", "write a URL without a user, a password and a #fragment"),
        ("https://hooks.example/#x", "write a URL without a user, a password and a #fragment"),
        ("https://hooks.example\\@10.0.0.1/", "write a URL without a user, a password and a #fragment"),
        ("https://hooks.example:99999/", "this is no URL"),
        ("https://[::1/", "this is no URL"),
        ("https://hooks.example:0/", "there is no port 0"),
        ("https://127.0.0.1/", "this address is not a public one"),
        ("https://[::ffff:169.254.169.254]/", "this address is not a public one"),
        ("https://hooks.example/a b", "a URL has at most 500 visible ASCII characters"),
        ("https://hooks.example/\r\nx: y", "a URL has at most 500 visible ASCII characters"),
        ("https://hooks.example/" + "x" * 500, "a URL has at most 500 visible ASCII characters"),
    ],
)
def test_a_url_that_cannot_be_called_is_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_url(url)
    assert (refused.value.field, refused.value.message) == ("url", why)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1"])
async def test_a_name_for_this_machine_is_out_of_reach_however_it_is_written(host: str) -> None:
    with pytest.raises(Unreachable, match="not a public one"):
        await resolve(f"https://{host}/")


async def test_http_is_for_the_operators_own_networks_alone() -> None:
    target = await resolve("http://127.0.0.1:8080/hook", OWN)
    assert target == Target(
        "http://127.0.0.1:8080/hook", "127.0.0.1", "127.0.0.1:8080", (ip_address("127.0.0.1"),)
    )
    with pytest.raises(Unreachable, match="use https"):
        await resolve("http://8.8.8.8/", OWN)


async def test_a_name_that_is_not_known_says_so() -> None:
    with pytest.raises(Unreachable, match=r"the name nowhere\.invalid is not known"):
        await resolve("https://nowhere.invalid/")


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    target = Target("https://hooks.example:8443/a?b=c", "hooks.example", "hooks.example:8443", ())
    assert target.pinned(ip_address("8.8.8.8")) == "https://8.8.8.8:8443/a?b=c"
    assert target.pinned(ip_address("2606:4700::1111")) == "https://[2606:4700::1111]:8443/a?b=c"
