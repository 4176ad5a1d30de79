"""Consents told by a program: once each, with the network address where the shop may keep it."""

import pytest

from regulars.shop.models import Consent
from tests.api.clients import Program, content
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::1", None])
def test_the_network_address_of_a_statement_is_kept(program: Program, address: str | None) -> None:
    make_business()
    customer = make_customer()
    told = {"channel": "email", "state": "granted", "source": "checkout", "key": "c-1"}
    answer = program.post(f"/customers/{customer.pk}/consents", told | ({"ip": address} if address else {}))
    assert answer.status_code == 201
    assert (Consent.objects.get().ip, Consent.objects.get().state) == (address, "granted")


@pytest.mark.parametrize("address", ["the shop", "10.0.0.0/8", "fe80::1%eth0", "", 17])
def test_what_is_no_network_address_is_refused(program: Program, address: object) -> None:
    make_business()
    customer = make_customer()
    told = {"channel": "email", "state": "granted", "source": "checkout", "key": "c-1", "ip": address}
    answer = program.post(f"/customers/{customer.pk}/consents", told)
    assert (answer.status_code, Consent.objects.count()) == (422, 0)
    assert "ip" in str(content(answer))
