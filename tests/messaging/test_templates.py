"""Templates: written, published, filled for each customer, in their language."""

import base64
import contextlib
import random
import re
from html import escape

import pytest
from django.core import mail
from django.db import transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.utils import translation
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from regulars.insights.models import Recommendation
from regulars.messaging import blocks, composing, variables
from regulars.messaging.checking import check
from regulars.messaging.models import Channel, Click, Delivery, Send, ShortLink, TemplateVersion
from regulars.messaging.operations import templates as operations
from regulars.messaging.queries import templates as queries
from regulars.messaging.registry import CompositionError
from regulars.messaging.starters import starters
from regulars.messaging.templating import tracking
from regulars.messaging.templating.building import Format
from regulars.messaging.templating.faults import TemplateFaultError
from regulars.messaging.templating.tracking import BadTrackingLinkError
from regulars.shop.models import Business, Customer
from regulars.shop.operations import attributes
from tests.insights.factories import make_profile
from tests.mail_sink import mail_sink
from tests.messaging.letters_to import NOW, make_template, publish, recipient
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business, make_customer, make_product

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _shop() -> None:
    make_business()
    operations.set_letterhead(
        website="https://shop.test", product_link="https://shop.test/p/{code}", postal_address="1 Tea Lane"
    )


def test_a_message_speaks_the_customers_language_and_the_templates_own_where_it_has_not_theirs() -> None:
    anna = make_customer(name="Anna Meyer")
    version = publish(
        en=("Hi {{ customer.first_name }}", "Hello {{ customer.first_name }}"),
        zh=("{{ customer.first_name }}，您好", "{{ customer.first_name }}，您好，{{ customer.spent }}"),
    )
    make_profile(customer=anna, monetary_minor=123_456)
    variant = composing.of_version(version.pk, channel="email")
    said = {language: recipient(anna, language=language) for language in ("en", "zh-hans", "fr", "")}
    fill = variant.batch(list(said.values()), now=NOW)
    subjects = {language: fill(one).subject for language, one in said.items()}
    assert subjects == {"en": "Hi Anna", "zh-hans": "Anna，您好", "fr": "Hi Anna", "": "Hi Anna"}
    assert "£1,234.56" in fill(said["zh-hans"]).text


def test_a_batch_is_looked_up_together_whatever_its_size(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    customers = [make_customer(name=f"Person{n}") for n in range(30)]
    product = make_product(code="TEA 1")
    for one in customers:
        make_profile(customer=one)
        Recommendation.objects.create(customer=one, rank=1, product=product, score=1, reason="popular")
    version = publish(
        en='{{ customer.first_name }} {{ customer.tier }} {{ customer.spent }} {{ customer.country | default: "?" }}\n\n{% block "recommended" %}'
    )
    variant = composing.of_version(version.pk, channel="email")
    people = [recipient(one, delivery_id=n) for n, one in enumerate(customers)]
    variant.batch(people[:1], now=NOW)
    with django_assert_max_num_queries(8):
        fill = variant.batch(people, now=NOW)
    with django_assert_max_num_queries(0):
        messages = [fill(one) for one in people]
    assert "Person7 General £300.00 ?" in messages[7].text
    assert "Wipes TEA 1" in messages[7].html


def test_links_lead_through_us_to_addresses_of_the_version_alone(settings: Settings) -> None:
    anna = make_customer(code="a/b?c")
    version = publish(
        en="[Shop](https://shop.test/new?a=1&b=2)\n\n[Yours](https://shop.test/u/{{ customer.code | url_encode }})\n\n"
        "[Out]({{ unsubscribe_url }})\n\n[Mail](mailto:a@shop.test)"
    )
    variant = composing.of_version(version.pk, channel="email")
    message = variant.batch([recipient(anna, delivery_id=77)], now=NOW)(recipient(anna, delivery_id=77))
    assert "https://shop.test/new" not in message.html + message.text
    assert "https://shop.test/my/u/" in message.html
    assert "mailto:a@shop.test" in message.html
    tokens = [part.split("/")[0] for part in message.html.split(f"{composing.public_root()}l/")[1:]]
    fixed, own = (tracking.read_token([settings.SECRET_KEY], one) for one in tokens)
    assert (fixed.delivery_id, fixed.version_id, fixed.number, fixed.url) == (77, version.pk, 0, "")
    assert queries.link_of(version.pk, language="en", number=0) == "https://shop.test/new?a=1&b=2"
    assert own.url == "https://shop.test/u/a%2Fb%3Fc"


def test_a_customers_data_leads_nobody_elsewhere_and_fails_that_message_alone() -> None:
    evil, good = make_customer(name="evil.test/x"), make_customer(name="shop.test")
    version = publish(en="[Go](https://{{ customer.name }}/a)")
    variant = composing.of_version(version.pk, channel="email")
    people = [recipient(evil), recipient(good)]
    fill = variant.batch(people, now=NOW)
    with pytest.raises(CompositionError, match=r"evil\.test"):
        fill(people[0])
    assert fill(people[1]).html


def test_a_subject_stays_one_line_whatever_a_name_holds() -> None:
    anna = make_customer(name="Anna\r\nBcc: x@evil.test\u2028\x85\x1b")
    version = publish(en=("Hi {{ customer.name }}", "x"))
    variant = composing.of_version(version.pk, channel="email")
    message = variant.batch([recipient(anna)], now=NOW)(recipient(anna))
    assert message.subject == "Hi Anna Bcc: x@evil.test"


def test_nobody_without_a_code_gets_a_message_that_shows_one() -> None:
    anna = make_customer(name="Anna")
    shows = publish(name="Shows", en='{% block "coupon" %}')
    asks = publish(name="Asks", en="{% if coupon %}{{ coupon.code }}{% else %}hello{% endif %}")
    with pytest.raises(CompositionError, match="coupon"):
        composing.of_version(shows.pk, channel="email").batch([recipient(anna)], now=NOW)(recipient(anna))
    assert (
        "hello"
        in composing.of_version(asks.pk, channel="email")
        .batch([recipient(anna)], now=NOW)(recipient(anna))
        .text
    )


def test_points_of_the_shops_own_programme_are_told_to_whoever_has_some() -> None:
    rich, poor = make_customer(name="Anna"), make_customer(name="Bo")
    for name in ("points", "stars"):
        attributes.define_attribute(name=name, label=name, type="number")
    told = [(rich, "points", 12_340), (rich, "stars", 7), (poor, "points", 0)]
    attributes.set_attributes(
        [attributes.Told(customer_id=who.pk, name=name, value=value, at=NOW) for who, name, value in told]
    )
    both = '{% block "points" %}\n\n{% block "points" "stars" %}'
    version = publish(en=both, zh=both)
    people = [recipient(one) for one in (rich, poor)]
    said = composing.of_version(version.pk, channel="email").batch(people, now=NOW)
    assert "Your points: 12,340" in said(people[0]).text
    assert "Your points: 7" in said(people[0]).html
    assert "points" not in said(people[1]).text
    chinese = recipient(rich, language="zh-hans")
    assert (
        "您有 12,340 积分"
        in composing.of_version(version.pk, channel="email").batch([chinese], now=NOW)(chinese).text
    )
    short = publish(name="short", format="text", en=both)
    assert (
        composing.of_version(short.pk, channel="sms").batch(people, now=NOW)(people[0]).text.split("\n")[0]
        == "Your points: 12,340"
    )


def test_a_template_is_for_one_kind_of_channel() -> None:
    version = publish(format="text", en="Hi {{ customer.first_name | default: 'you' }}")
    assert composing.of_version(version.pk, channel="sms").version == version
    with pytest.raises(
        composing.WrongFormatError, match="written for SMS and chat and cannot go over E-mail"
    ):
        composing.of_version(version.pk, channel="email")


def test_a_version_is_never_changed_and_the_draft_goes_back_to_any() -> None:
    template = make_template(en="first")
    first = operations.publish(template.pk, now=NOW)
    assert operations.publish(template.pk, now=NOW) == first
    operations.save_draft(template.pk, content={"en": {"subject": "Hello", "body": "second"}}, now=NOW)
    second = operations.publish(template.pk, now=NOW)
    assert (first.number, second.number) == (1, 2)
    assert queries.changes(first.content, second.content) == [
        ("@", "en body"),
        ("-", "first"),
        ("+", "second"),
    ]
    operations.restore_version(template.pk, number=1, now=NOW)
    assert queries.has_changes(queries.template(template.pk))
    assert operations.publish(template.pk, now=NOW).content == first.content
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        TemplateVersion.objects.filter(pk=first.pk).update(content={})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{{ customer.nmae }}", "customer.name"),
        ("{% if x %}", "endif"),
        ('{% block "points" %}', "“points”"),
        ('{% block "points" "taste" %}', "“taste”"),
        ('{% block "cuopon" %}', "recommended"),
        ('{% block "product" "NOWHERE" %}', "NOWHERE"),
        ("[Go](htp://x)", "https://"),
        ("<mj-section></mj-section>", "<mjml>"),
    ],
)
def test_what_cannot_be_used_is_not_published_and_says_why(body: str, told: str) -> None:
    template = make_template(en=body)
    with pytest.raises(TemplateFaultError, match=told) as caught:
        operations.publish(template.pk, now=NOW)
    assert caught.value.details["language"] == "en"
    assert not template.versions.exists()


@pytest.mark.parametrize(
    ("body", "line", "told"),
    [
        ('{% block "nope" %}', 0, "没有名为“nope”的区块，可选：recommended"),
        ("{% block nope %}", 0, "区块 nope 无法识别"),
        ('{% block "points" %}', 0, "没有名称为“points”、类型为“数字”的客户属性"),
        ('{% block "product" "NOWHERE" %}', 0, "没有编码为“NOWHERE”的商品"),
        ("Hello\n{% if shop.name", 2, "语句没有名称，或末尾缺少“%}”"),
        ("{{ shop.name", 1, "变量没有写完：缺少“}}”"),
        ("{% for one in recommended %}", 1, "缺少“{% endfor %}”：语句有开头，没有结尾"),
        ("{% include 'x' %}", 1, "没有名为“include”的语句，可选：if"),
        ("Hello\n\n{% endif %}", 3, "“{% endif %}”的位置不对"),
        ("{% if shop.name = 'x' %}{% endif %}", 1, "判断是否相等请写“==”"),
        ("{{ shop.name | default “x” }}", 1, "这里不能用符号 “"),
        ("{{ shop.name default }}", 1, "变量或语句里有多余的内容"),
        ("{{ shop.name | }}", 1, "变量或语句没有写完"),
        ("{% # one\ntwo %}", 1, "无法识别：every line of an inline comment"),
        ("{% if shop %}" * 16 + "{% endif %}" * 16, 1, "语句嵌套太深"),
        ("Hello\n\n{{ shop.name | evil }}", 3, "没有名为“evil”的过滤器，可选：append"),
        ('{% block "footer" %}\n\n{{ shop.name | upcase: 1 }}', 3, "过滤器“upcase”冒号后面的参数多了或少了"),
        (
            "Hello\n{% for one in (1..3) %}\n{% if one == 2 %}\n{{ 1 | divided_by: 0 }}{% endif %}{% endfor %}",
            4,
            "divided_by：不能除以 0",
        ),
        ("Hello\n{% for one in (1..9999999) %}a{% endfor %}", 2, "运算量超过一条消息的上限，请减少循环"),
        ("Hello\n{{ shop.nmae }}", 2, "没有“shop.nmae”这个"),
        ("[Go](htp://x)", 1, "链接“htp://x”打不开"),
        ("<html><body><form></form></body></html>", 1, "邮件里不能有 <form>"),
    ],
)
def test_what_is_wrong_is_told_in_the_language_of_whoever_writes(body: str, line: int, told: str) -> None:
    who = make_customer().pk
    written = {"subject": "Hello", "preheader": "", "body": body}
    with translation.override("zh-hans"):
        [fault] = check(written, format="email", language="en", customer_id=who, now=NOW).faults
    assert (fault.line, fault.text[: len(told)]) == (line, told)


@pytest.mark.parametrize("written_for", ["email", "text"])
def test_what_fails_when_it_is_filled_in_names_the_part_and_the_line(
    written_for: Format,
) -> None:
    who = make_customer().pk
    for subject, body, where in (
        ("Tea\n{{ 1 | divided_by: 0 }}", "Hello", ("subject", 2)),
        ("Tea", 'Hello\n{% block "footer" %}\n{{ 1 | divided_by: 0 }}', ("body", 3)),
        ("Tea", "Hello", ()),
    ):
        written = {"subject": subject, "preheader": "", "body": body}
        faults = check(written, format=written_for, language="en", customer_id=who, now=NOW).faults
        assert tuple((one.part, one.line) for one in faults) == ((where,) if where else ())


@pytest.mark.parametrize(
    ("preheader", "body", "where"),
    [
        ("Hello\n{{ 1 | divided_by: 0 }}", "Tea", ("preheader", 2)),
        ("Hello " * 200, "Tea", ("preheader", 0)),
        ("", "Tea\n\n[Go](htp://x)", ("body", 3)),
        ("", "Tea\n\n![Cup](cup.png)", ("body", 3)),
        ("", "Tea\n\n<mj-text>a</mj-nix></mj-text>", ("body", 3)),
        ("", "Tea\n\n<mj-text>\n<b>a</mj-text>", ("body", 4)),
        ("", "Tea\n\n<mj-tabel>a</mj-tabel>", ("body", 3)),
        ("", 'Tea\n\n{% block "footer" %}\n\n<mj-text align="{{ shop.name }}">a', ("body", 5)),
        ("", "<html><body>\n<form></form></body></html>", ("body", 2)),
        ("", "<html><body>\n<p onclick=1>a</p></body></html>", ("body", 2)),
        ("", '<html><body>\n<p style="color: {{ customer.name }}">a</p></body></html>', ("body", 2)),
    ],
)
def test_what_cannot_be_laid_out_names_the_part_and_the_line(
    preheader: str, body: str, where: tuple[str, int]
) -> None:
    written = {"subject": "Tea", "preheader": preheader, "body": body}
    [fault] = check(written, format="email", language="en", customer_id=make_customer().pk, now=NOW).faults
    assert (fault.part, fault.line) == where


@pytest.mark.parametrize("name", ["{{ 1 | divided_by: 0 }}", "{% if", "Tea {{ Co", "a }} b", "Cup & <Co>"])
def test_a_letterhead_is_never_read_as_the_template_language(name: str) -> None:
    Business.objects.update(name=name)
    operations.set_letterhead(postal_address=name, logo_url="")
    written = {"subject": "Tea", "preheader": "", "body": 'Hello\n\n{% block "footer" %}'}
    who = make_customer().pk
    for logo_url in ("", "https://shop.example/{{ x }}.png"):
        operations.set_letterhead(logo_url=logo_url)
        found = check(written, format="email", language="en", customer_id=who, now=NOW)
        assert found.faults == ()
        assert found.preview
        assert f"{name} · {name}" in found.preview.filled.text
        assert escape(name) in found.preview.filled.html


@pytest.mark.parametrize(
    ("told", "shows"), [('"product" "T1"', "Wipes T1"), ('"points"', "customer.attribute.points")]
)
@pytest.mark.parametrize("is_mail", [True, False])
def test_what_a_block_names_is_looked_up_once(
    django_assert_num_queries: DjangoAssertNumQueries,
    *,
    told: str,
    shows: str,
    is_mail: bool,
) -> None:
    make_product(code="T1")
    attributes.define_attribute(name="points", label="Points", type="number")
    with django_assert_num_queries(1):
        assert shows in blocks.written(told, is_mail=is_mail, language="en")


def test_a_name_is_taken_once_and_free_again_in_the_archive() -> None:
    first = make_template(en="x")
    with pytest.raises(operations.TemplateNameTakenError):
        make_template(en="x")
    assert operations.duplicate(first.pk, now=NOW).name == "News 2"
    operations.archive(first.pk, now=NOW)
    make_template(en="x")
    with pytest.raises(operations.TemplateNameTakenError):
        operations.unarchive(first.pk)


def test_every_starter_can_be_published_and_is_read_without_a_warning() -> None:
    anna = make_customer(name="Anna")
    make_profile(customer=anna)
    Recommendation.objects.create(customer=anna, rank=1, product=make_product(), score=1, reason="popular")
    assert len(starters()) >= 15
    for one in starters():
        template = operations.create_from_starter(code=one.code, now=NOW)
        version = operations.publish(template.pk, now=NOW)
        assert set(version.content) == {"en", "zh-hans"}
        for language, written in one.content.items():
            with translation.override(language):
                found = check(
                    written,
                    format=composing.format_of(template),
                    language=language,
                    customer_id=anna.pk,
                    now=NOW,
                )
            assert found.preview, (one.code, language, found.faults)
            warnings = [hint.text for hint in found.hints if hint.level == "warning"]
            assert (one.code, language, warnings, found.preview.missing) == (one.code, language, [], ())


def test_a_check_tells_what_may_be_missing_and_what_is() -> None:
    nameless = make_customer()
    found = check(
        {"subject": "FREE MONEY NOW!!!", "body": "Hello {{ customer.first_name }}"},
        format="email",
        language="en",
        customer_id=nameless.pk,
        now=NOW,
    )
    assert {hint.code for hint in found.hints} == {
        "may_be_missing", "no_unsubscribe", "shouting", "loud_subject", "no_link", "no_preheader"
    }  # fmt: skip
    assert found.preview
    assert found.preview.missing == ("customer.first_name",)


def test_the_length_of_a_text_is_told_without_what_a_channel_adds() -> None:
    written = {"subject": "", "preheader": "", "body": "Hello " * 30}
    told = check(written, format="text", language="en", customer_id=make_customer().pk, now=NOW)
    assert "2 segments of Latin letters, 179 characters, before a channel adds its sign" in told.hints[0].text


def test_a_test_message_goes_to_staff_as_the_customer_would_have_it() -> None:
    anna = make_customer(name="Anna")
    template = make_template(en=("Hi {{ customer.first_name }}", "[Go](https://shop.test/x)"))
    operations.send_test(template.pk, language="en", customer_id=anna.pk, to="staff@shop.test", now=NOW)
    (sent,) = mail.outbox
    assert (sent.subject, sent.to) == ("[Test] Hi Anna", ["staff@shop.test"])
    assert "https://shop.test/x" in str(sent.body)


def test_a_test_message_goes_over_the_channel_of_e_mail_where_there_is_one() -> None:
    anna = make_customer(name="Anna")
    template = make_template(en=("Hi", "Hello\n\n![Cup](https://shop.test/cup.png)"))
    with mail_sink() as sink:
        smtp_channel(sink.port)
        for _ in range(2):
            operations.send_test(
                template.pk, language="en", customer_id=anna.pk, to="staff@shop.test", now=NOW
            )
    first, second = sink.mails
    assert (first["Subject"], first["From"], first["Auto-Submitted"]) == (
        "[Test] Hi", "shop@corner.example", "auto-generated",
    )  # fmt: skip
    html, plain = first.get_body(("html",)), first.get_body(("plain",))
    assert html is not None
    assert plain is not None
    assert 'src="https://shop.test/cup.png"' in html.get_content()
    assert "Hello" in plain.get_content()
    # Mail programs show a mail of a known Message-ID only once.
    assert first["Message-ID"] != second["Message-ID"]
    assert mail.outbox == []


def test_without_a_way_for_mail_no_test_is_said_to_be_under_way(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    template = make_template(en=("Hi", "Hello"))
    with pytest.raises(operations.TestNotSentError, match="set a channel of e-mail up"):
        operations.send_test(template.pk, language="en", customer_id=0, to="staff@shop.test", now=NOW)


def test_a_footer_offers_to_unsubscribe_only_where_a_message_can_be_unsubscribed_from() -> None:
    anna = make_customer(name="Anna")
    footer = '{% block "footer" %}'
    for channel, version in (
        ("email", publish(en=footer)),
        ("sms", publish(name="T", format="text", en=footer)),
    ):
        fill = composing.of_version(version.pk, channel=channel).batch([recipient(anna)], now=NOW)
        must_be_said = fill(recipient(anna, unsubscribe_url=""))
        assert "nsubscribe" in fill(recipient(anna)).text
        assert "nsubscribe" not in must_be_said.text + must_be_said.html
        assert "You receive this because" not in must_be_said.text


def test_a_test_of_a_text_leads_where_its_author_wrote() -> None:
    anna = make_customer(name="Anna")
    template = make_template(format="text", en=("", "Go to https://shop.test/x now"))
    operations.send_test(template.pk, language="en", customer_id=anna.pk, to="staff@shop.test", now=NOW)
    assert mail.outbox[0].body == "Go to https://shop.test/x now"


def test_every_variable_and_block_has_words_in_both_languages() -> None:
    for language in ("en", "zh-hans"):
        with translation.override(language):
            told = [
                *((one.name, str(one.label)) for one in variables.variables().values()),
                *((one.key, str(one.label)) for one in blocks.blocks()),
            ]
        assert all(words for _name, words in told)
        if language == "zh-hans":
            foreign = [name for name, words in told if words.isascii() and "RFM" not in words]
            assert foreign == []


def delivered(customer: Customer) -> Delivery:
    channel = Channel.objects.create(kind="smtp", name="Mail", medium="email", key="k", created_at=NOW)
    send = Send.objects.create(
        kind="template", source_id=1, label="News", purpose="marketing", created_at=NOW
    )
    return Delivery.objects.create(send=send, customer=customer, channel=channel, due_at=NOW, created_at=NOW)


def test_a_followed_link_leads_on_and_counts_once_a_delivery(client: Client) -> None:
    anna = make_customer(code="7")
    version = publish(en="[Shop](https://shop.test/new)\n\n[Yours](https://shop.test/u/{{ customer.code }})")
    operations.set_letterhead(counts_openings=True)
    delivery = delivered(anna)
    to = recipient(anna, delivery_id=delivery.pk)
    html = composing.of_version(version.pk, channel="email").batch([to], now=NOW)(to).html
    root = composing.public_root()
    shop, yours = (f"/my/l/{part.split('/')[0]}/" for part in html.split(f"{root}l/")[1:])
    picture = f"/my/o/{html.split(f'{root}o/')[1].split(chr(34))[0]}"
    assert client.head(shop)["Location"] == "https://shop.test/new"
    assert not Click.objects.exists()
    for _ in range(3):
        reply = client.get(shop)
        assert (reply.status_code, reply["Location"]) == (302, "https://shop.test/new")
    assert client.get(yours)["Location"] == "https://shop.test/u/7"
    assert client.get(picture)["Content-Type"] == "image/gif"
    assert queries.clicks_of(version.pk) == [
        queries.LinkClicks(number=0, url="https://shop.test/new", deliveries=1, times=3),
        queries.LinkClicks(number=1, url="https://shop.test/u/7", deliveries=1, times=1),
    ]
    assert queries.engagement(Delivery.objects.all()) == queries.Engagement(opened=1, clicked=1)


def test_a_link_that_was_not_made_here_leads_nowhere(client: Client, settings: Settings) -> None:
    version = publish(en="[Shop](https://shop.test/new)")
    told = tracking.Tracked(1, version.pk, "en", 0, "https://evil.test/")
    genuine = tracking.token(settings.SECRET_KEY, tracking.Tracked(1, version.pk, "en", 0, ""))
    forged = [
        tracking.token("another secret", told),
        tracking.token(settings.SECRET_KEY, told, kind="open"),
        genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
        genuine + "AAAA",
        genuine[:20],
        "",
        "é",
    ]
    for one in forged:
        assert client.get(f"/my/l/{one}/").status_code in {404, 429}
    assert tracking.read_token(["new", settings.SECRET_KEY], genuine).delivery_id == 1


def test_links_of_a_text_are_short_count_and_name_nobody(client: Client, settings: Settings) -> None:
    anna = make_customer(code="7", name="see https://evil.test/")
    body = (
        "{{ customer.name }}: https://shop.test/a-long-way/to/the/sale?from=text. {{ shop.url }} "
        "https://shop.test/u/{{ customer.code }} https://shop.test/p/TEA，再见"
    )
    version = publish(format="text", en=("", body))
    delivery = delivered(anna)
    to = recipient(anna, delivery_id=delivery.pk)
    text = composing.of_version(version.pk, channel="sms").batch([to], now=NOW)(to).text
    begins = composing.short_url("")
    shown = re.sub(f"{re.escape(begins)}[A-Za-z0-9_-]{{11,20}}", "SHORT", text)
    assert shown == "see https://evil.test/: SHORT. SHORT https://shop.test/u/7 SHORT，再见"
    sale, *_others = tokens = re.findall(f"{re.escape(begins)}([A-Za-z0-9_-]+)", text)
    assert client.head(f"/s/{sale}")["Location"] == "https://shop.test/a-long-way/to/the/sale?from=text"
    assert not Click.objects.exists()
    reply = client.get(f"/s/{sale}")
    assert (reply.status_code, reply["Location"]) == (
        302,
        "https://shop.test/a-long-way/to/the/sale?from=text",
    )
    assert reply["Referrer-Policy"] == "no-referrer"
    [told] = queries.clicks_of(version.pk)
    assert (told.url, told.deliveries) == ("https://shop.test/a-long-way/to/the/sale?from=text", 1)
    assert set(ShortLink.objects.values_list("url", flat=True)) == {
        "https://shop.test/a-long-way/to/the/sale?from=text", "https://shop.test", "https://shop.test/p/TEA"
    }  # fmt: skip
    # What is reckoned as its length is what goes out, up to the numbers in it.
    shown_as = composing.preview(
        {"body": body}, format="text", language="en", customer_id=anna.pk, now=NOW
    ).filled.text
    assert 0 <= len(shown_as) - len(text) <= 3 * (18 - len(sale))
    rng = random.Random(7)  # noqa: S311  the same guesses each time
    forged = 0
    for _ in range(20_000):
        guess = base64.urlsafe_b64encode(rng.randbytes(12)).decode()
        with contextlib.suppress(BadTrackingLinkError):
            tracking.read_short_token([settings.SECRET_KEY], guess)
            forged += 1
    for token in tokens:
        for other in (token[:-1] + ("A" if token[-1] != "A" else "Q"), token[:10], "é", ""):
            with pytest.raises(BadTrackingLinkError):
                tracking.read_short_token([settings.SECRET_KEY], other)
    assert forged == 0
    assert client.get(f"/s/{sale[:-1]}").status_code == 404
    assert tracking.read_short_token(["new", settings.SECRET_KEY], sale)[1] == delivery.pk


def test_links_lead_there_themselves_where_clicks_are_not_counted() -> None:
    anna = make_customer()
    version = publish(en='[Shop](https://shop.test/new)\n\n{% block "footer" %}')
    operations.set_letterhead(counts_clicks=False)
    to = recipient(anna, delivery_id=1)
    message = composing.of_version(version.pk, channel="email").batch([to], now=NOW)(to)
    assert "https://shop.test/new" in message.html
    assert "/my/l/" not in message.html
