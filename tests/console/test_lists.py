"""Every page that shows a list offers it as a file."""

import csv
import io
import re
from datetime import time
from pathlib import Path

import polars as pl
import pytest
from django.test import Client
from django.urls import reverse

import regulars.console
from regulars.console.exports import EXPORTS
from regulars.journeys.models import Approval
from regulars.messaging.operations import governance
from regulars.shop import operations as shop
from regulars.staff.rules import Role
from tests.intake.importing import NOW
from tests.journeys.campaigns import make_campaign, make_list
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business
from tests.staff.factories import make_user

TEMPLATES = Path(regulars.console.__file__).parent / "templates"
_INCLUDED = re.compile(r'{% include "([^"]+)"')
_LIST = re.compile(r'<table class="list\b|class="[^"]*\bcard-grid\b')
_OFFERED = re.compile(
    r"{% list_exports |console/components/exports\.html|-export\"|\.csv\"|-data\"|-export' "
)
# Pages whose tables are no lists to be taken away.
NO_LISTS = {
    "console/companies/page.html": "one company: its people and orders are in the files of contacts and orders",
    "console/customer/order.html": "the lines of one order: in the file of order lines",
    "console/data/import.html": "the first of the lines that were refused: their own page offers all",
    "console/data/matching.html": "the first lines of a file that somebody has",
    "console/experiments/readout.html": "the figures of one experiment",
    "console/settings/deliverability.html": "what DNS says of a domain",
    "console/templates/edit.html": "the values that a message may say",
}


def whole(name: str, seen: frozenset[str] = frozenset()) -> str:
    """Return a template with all that it includes."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    inner = [one for one in _INCLUDED.findall(text) if (TEMPLATES / one).exists() and one not in seen]
    return text + "".join(whole(one, seen | {name}) for one in inner)


PAGES = sorted(
    str(path.relative_to(TEMPLATES))
    for path in TEMPLATES.rglob("*.html")
    if "{% extends" in path.read_text(encoding="utf-8")
    and _LIST.search(whole(str(path.relative_to(TEMPLATES))))
)


@pytest.mark.unit
@pytest.mark.parametrize("page", PAGES)
def test_every_page_with_a_list_offers_it_as_a_file(page: str) -> None:
    assert (_OFFERED.search(whole(page)) is not None) == (page not in NO_LISTS)


def rows_of(client: Client, name: str, form: str = "csv", **query: str) -> list[list[str]]:
    response = client.get(reverse(f"console:export-{name}"), {"format": form, **query})
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a streaming response
    return list(csv.reader(io.StringIO(content.decode())))


def owner() -> Client:
    make_business()
    client = Client()
    client.force_login(make_user(role=Role.OWNER))
    return client


@pytest.mark.integration
@pytest.mark.django_db
def test_rules_of_sending_are_told_with_caps_and_quiet_hours() -> None:
    client = owner()
    governance.add_cap(medium="email", tag="=news", most=3, days=7, is_rolling=True)
    governance.set_quiet_hours(medium="sms", begins=time(21), ends=time(8, 30))
    assert rows_of(client, "sending-rules") == [
        ["rule", "channel", "tag", "most", "days", "is_rolling", "begins", "ends"],
        ["cap", "email", "'=news", "3", "7", "True", "", ""],
        ["quiet_hours", "sms", "", "", "", "", "21:00", "08:30"],
    ]


@pytest.mark.integration
@pytest.mark.django_db
def test_words_of_consents_are_told_in_all_their_versions() -> None:
    client = owner()
    for english in ("First", "Second"):
        shop.word_consent(
            channel="sms", purpose="marketing", english=english, chinese="同意", by=make_user(), now=NOW
        )
    rows = rows_of(client, "consent-wordings")
    assert [row[4:7] for row in rows if row[:2] == ["sms", "marketing"]] == [
        ["2", "Second", "同意"],
        ["1", "First", "同意"],
    ]
    assert [row[4] for row in rows if row[:2] == ["email", "marketing"]] == ["0"]


@pytest.mark.integration
@pytest.mark.django_db
def test_playbooks_are_told_as_the_page_is_filtered() -> None:
    client = owner()
    everything = rows_of(client, "playbooks")
    some = rows_of(client, "playbooks", group="tier")
    assert len(everything) > len(some) > 1
    assert {row[3] for row in some[1:]} == {"tier"}
    assert rows_of(client, "playbooks", group="nothing") == everything


@pytest.mark.integration
@pytest.mark.django_db
def test_channels_are_told_without_their_secrets() -> None:
    client = owner()
    channel = smtp_channel(25, name="=Shop mail")
    rows = rows_of(client, "channels")
    assert rows[1][:2] == [str(channel.pk), "'=Shop mail"]
    assert not set(rows[0]) & {"sealed", "options", "key"}


@pytest.mark.integration
@pytest.mark.django_db
@pytest.mark.parametrize("name", ["channels", "sending-rules", "approvals", "playbooks", "consent-wordings"])
@pytest.mark.parametrize("form", ["csv", "excel", "gb18030", "parquet"])
def test_each_form_of_a_list_can_be_read(name: str, form: str) -> None:
    response = owner().get(reverse(f"console:export-{name}"), {"format": form})
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a streaming response
    response.close()
    if form == "parquet":
        assert pl.read_parquet(content).schema == dict(EXPORTS[name].columns)
    else:
        head = content.decode("gb18030" if form == "gb18030" else "utf-8-sig").splitlines()[0]
        assert head == ",".join(EXPORTS[name].columns)


@pytest.mark.integration
@pytest.mark.django_db
def test_approvals_are_told_with_who_asked_and_who_decided() -> None:
    client = owner()
    campaign = make_campaign(make_list([]), smtp_channel(25))
    asked, decided = make_user(email="bob@example.com"), make_user(email="alice@example.com")
    Approval.objects.create(
        campaign=campaign, fingerprint="f", asked_by=asked, asked_at=NOW, state="declined", decided_by=decided,
        decided_at=NOW, answer="too many", customers=700,
    )  # fmt: skip
    row = rows_of(client, "approvals")[1]
    assert row[1:6] == ["campaign", campaign.name, "700", "declined", "bob@example.com"]
    assert (row[7], row[9]) == ("alice@example.com", "too many")
