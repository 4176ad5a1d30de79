"""Templates on their pages, without a browser."""

import pytest
from django.test import Client

from tests.messaging.letters_to import make_template
from tests.shop.factories import make_business, make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_preview_is_of_whoever_has_the_id_before_those_in_whose_it_stands() -> None:
    make_business()
    make_customer(code="1646")
    make_customer(code="646")
    template = make_template(en=("Hi", "Hello"))
    alice = Client()
    alice.force_login(make_user())
    page = alice.get(f"/templates/{template.pk}/", {"customer": "646"})
    assert page.context["customer"].code == "646"
    assert "Nobody is found" not in page.content.decode()
    page = alice.get(f"/templates/{template.pk}/", {"customer": "nobody"})
    assert "Nobody is found by “nobody”." in page.content.decode()
    assert "Nothing to mend." not in page.content.decode()
