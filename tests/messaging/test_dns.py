"""DNS records of senders: what they should say, and whether what they say is right."""

import itertools

import pytest
from django.utils import timezone

from regulars.messaging.dns import Record, looked_up, records
from regulars.messaging.operations.channels import Limits, set_up_channel
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
_numbers = itertools.count(1)


def records_of(host: str) -> list[Record]:
    """What should stand in the DNS for a mail server."""
    make_business()
    row = set_up_channel(
        kind="smtp",
        name=f"Mail {next(_numbers)}",
        medium="email",
        values={"host": host, "from_address": "shop@corner.example", "dkim_selector": "rg"},
        limits=Limits(),
        by=None,
        now=timezone.now(),
    )
    return records(row)


def is_right(what: str, *said: str, host: str = "mail.corner.example") -> bool | None:
    """What is thought of a record where the DNS says this."""
    [one] = looked_up([one for one in records_of(host) if one.what == what], lookup=lambda _name: said)
    return one.is_right


@pytest.mark.parametrize(
    ("host", "mechanism"),
    [
        ("mail.corner.example", "a:mail.corner.example"),
        ("192.0.2.7", "ip4:192.0.2.7"),
        ("2001:db8::7", "ip6:2001:db8::7"),
    ],
)
def test_a_mail_server_is_named_by_its_name_or_its_address(host: str, mechanism: str) -> None:
    assert records_of(host)[0].value == f"v=spf1 {mechanism} ~all"


def test_what_is_suggested_is_right() -> None:
    for host in ("mail.corner.example", "192.0.2.7", "2001:db8::7"):
        wanted = records_of(host)
        said = {one.name: [one.value, "another=record"] for one in wanted}
        assert [one.is_right for one in looked_up(wanted, lookup=said.__getitem__)] == [True] * 3


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("v=spf1 -all", False),
        ("v=spf1", False),
        ("v=spf10 mx -all", False),
        ("v=spf1 +all", True),
        ("v=spf1 a:mail.corner.example ~all", True),
        ("v=spf1 -a:mail.corner.example ~all", False),
        ("V=SPF1 include:_spf.relay.example -all", True),
        ("v=spf1 -all include:_spf.relay.example", False),
        ("v=spf1 redirect=_spf.relay.example", True),
        ("v=spf1 mx/24 -all", True),
        ("v=spf1 a -all", True),
        ("v=spf1 ip4:192.0.2.0/24 -all", True),
        ("v=spf1 ip4:nonsense -all", False),
    ],
)
def test_spf_must_let_the_mail_server_through(said: str, *, right: bool) -> None:
    assert is_right("SPF", said) is right


def test_of_a_mail_servers_address_spf_must_hold_it() -> None:
    assert is_right("SPF", "v=spf1 ip4:192.0.2.0/24 -all", host="192.0.2.7") is True
    assert is_right("SPF", "v=spf1 ip4:198.51.100.0/24 -all", host="192.0.2.7") is False
    assert is_right("SPF", "v=spf1 ip6:2001:db8::/32 -all", host="2001:db8::7") is True


def test_two_records_of_spf_are_none() -> None:
    assert is_right("SPF", "v=spf1 mx -all", "v=spf1 a -all") is False
    assert is_right("SPF") is False


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("v=DMARC1; p=none", True),
        ("v=DMARC1;p=Reject; rua=mailto:me@corner.example", True),
        ("v=DMARC1; p=bogus", False),
        ("v=DMARC1; sp=reject", False),
        ("v=DMARC10; p=none", False),
    ],
)
def test_dmarc_must_name_a_policy(said: str, *, right: bool) -> None:
    assert is_right("DMARC", said) is right


def test_where_nobody_answers_nothing_is_said_to_be_missing_and_the_rest_is_not_waited_for() -> None:
    asked: list[str] = []

    def lookup(name: str) -> list[str] | None:
        asked.append(name)
        return [] if len(asked) == 1 else None

    found = looked_up(records_of("mail.corner.example"), lookup=lookup)
    assert [(one.is_right, one.is_silent) for one in found] == [(False, False), (None, True), (None, True)]
    assert len(asked) == 2
