"""Makes messages of templates: a version is built once for each language, and filled for each recipient."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings

from regulars.kernel.errors import RegularsError
from regulars.messaging import blocks, variables
from regulars.messaging.coupons import SAMPLE
from regulars.messaging.labels import medium_label
from regulars.messaging.models import Letterhead as LetterheadRow
from regulars.messaging.models import ShortLink, Template, TemplateVersion
from regulars.messaging.registry import CompositionError, Fill, Message, Recipient, Source
from regulars.messaging.templating import tracking
from regulars.messaging.templating.building import Built, Content, Filled, Format, build
from regulars.messaging.templating.faults import FillingError
from regulars.messaging.templating.mail import Letterhead, hosts_of
from regulars.messaging.templating.texts import STAND_IN, Named, named_in, shorten
from regulars.messaging.variables import Occasion
from regulars.shop.links import ROOT
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.shop.wording import worded

_FORMATS = {
    "email": "email",
    "sms": "text",
    "whatsapp": "text",
    "wecom": "text",
    "dingtalk": "text",
    "phone": "task",
    "post": "task",
    "web": "text",
}
Written = Mapping[str, Mapping[str, str]]


class WrongFormatError(RegularsError):
    """The template is for another kind of channel."""

    code: ClassVar[str] = "wrong_template_format"


class NoContentError(RegularsError):
    """Nothing is written in any language."""

    code: ClassVar[str] = "template_empty"


class NoSuchTemplateError(RegularsError):
    """No template has this id."""

    code: ClassVar[str] = "no_such_template"


class NoSuchVersionError(RegularsError):
    """No version of a template has this id."""

    code: ClassVar[str] = "no_such_template_version"


def letterhead_of(row: LetterheadRow) -> Letterhead:
    """Return the letterhead as templates use it."""
    return Letterhead(
        shop=business().name,
        website=row.website,
        logo_url=row.logo_url,
        accent=row.accent,
        postal_address=row.postal_address,
        product_link=row.product_link,
    )


def letterhead() -> LetterheadRow:
    """Return the letterhead on file, or the one that stands before any is written."""
    return LetterheadRow.objects.first() or LetterheadRow()


def built(written: Mapping[str, str], *, format: Format, language: str, letterhead: Letterhead) -> Built:  # noqa: A002  its name
    """Return one language of a template, built; a variant that was built before is not built again.

    Raises:
        TemplateFaultError: It cannot be used as it is written.
    """
    content = Content(**{part: written.get(part, "") for part in ("subject", "preheader", "body")})
    # A product may be renamed; what names one is built anew.
    build_it = _built.__wrapped__ if '"product"' in content.body else _built
    return build_it(content, format, language, letterhead)


@lru_cache(maxsize=64)
def _built(content: Content, format: Format, language: str, letterhead: Letterhead) -> Built:  # noqa: A002  its name
    return build(
        content,
        format=format,
        language=language,
        letterhead=letterhead,
        block=lambda told, is_mail: blocks.written(told, is_mail=is_mail, language=language),
    )


def language_for(wanted: str, *, written: Iterable[str], otherwise: str) -> str:
    """Return in which language somebody is written to: theirs where it is written, else the template's."""
    languages = set(written)
    if wanted in languages:
        return wanted
    return otherwise if otherwise in languages else min(languages)


def languages_of(content: Written) -> list[str]:
    """Return the languages in which something is written."""
    return [one for one, parts in content.items() if parts.get("body", "").strip()]


@dataclass(frozen=True, kw_only=True)
class TemplateVariant:
    """A version, built in its languages, ready for any number of recipients.

    Attributes:
        version: What it is made of.
        variants: By language.
        fixed: By language, the numbers of links whose address stands in the version.
        letterhead: What the shop's messages share.
        counts: Whether clicks and openings are counted.
        given: Further values by root, the same for all: what the send itself brings.
    """

    version: TemplateVersion
    variants: Mapping[str, Built]
    fixed: Mapping[str, frozenset[int]]
    letterhead: Letterhead
    counts: tuple[bool, bool]
    given: Mapping[str, object]

    def batch(self, recipients: Sequence[Recipient], *, now: datetime) -> Fill:
        """Look up what these recipients' messages say, and return what fills each."""
        speaks = partial(language_for, written=self.variants, otherwise=self.version.template.language)
        values: dict[int, Mapping[str, object]] = {}
        for language, variant in self.variants.items():
            ids = [one.customer_id for one in recipients if speaks(one.language) == language]
            if not ids:
                continue
            occasion = Occasion(now=now, language=language, letterhead=self.letterhead, given=self.given)
            values |= variables.gather(
                ids, names={one.names for _part, one in variant.asked}, occasion=occasion
            )

        needs = {language: _needs(variant) for language, variant in self.variants.items()}
        own = trusted_hosts(self.letterhead)
        hosts = {
            language: own | hosts_of(variant.laid.links if variant.laid else ())
            for language, variant in self.variants.items()
        }

        shortened = self._shortener() if self.counts[0] else lambda filled, _recipient, _language: filled

        def fill(recipient: Recipient) -> Message:
            language = speaks(recipient.language)
            lacking = needs[language] - values[recipient.customer_id].keys()
            if lacking:
                raise CompositionError(
                    _("the message shows %(values)s, and the customer has none")
                    % {"values": ", ".join(sorted(lacking))}
                )
            try:
                filled = self.variants[language].fill(
                    {
                        **values[recipient.customer_id],
                        "unsubscribe_url": recipient.unsubscribe_url,
                        "preferences_url": recipient.preferences_url,
                    },
                    link=self._link(recipient, language, hosts[language]),
                )
            except FillingError as error:
                raise CompositionError(worded(error)) from error
            return self._message(shortened(filled, recipient, language), recipient, language)

        return fill

    def _shortener(self) -> Callable[[Filled, Recipient, str], Filled]:
        """Return what puts links that count into texts, as short as can be: each letter of an SMS is paid for."""
        link_id = cache(lambda url: ShortLink.objects.get_or_create(version=self.version, url=url)[0].pk)
        named: dict[str, Named] = {
            language: named_in(self.version.content[language].get("body", ""), letterhead=self.letterhead)
            for language, variant in self.variants.items()
            if variant.format == "text"
        }

        def shortened(filled: Filled, recipient: Recipient, language: str) -> Filled:
            if language not in named:
                return filled

            def write(url: str) -> str:
                told = {"link_id": link_id(url), "delivery_id": recipient.delivery_id}
                return short_url(tracking.short_token(settings.SECRET_KEY, **told))

            return replace(filled, text=shorten(filled.text, named=named[language], write=write))

        return shortened

    def _link(self, recipient: Recipient, language: str, hosts: frozenset[str]) -> Callable[[str, int], str]:
        own = _own_links(recipient)
        if not self.counts[0]:
            return lambda url, _number: url if url in own else tracking.checked_url(url, hosts=hosts)
        write = tracking.tracker(
            root=public_root(),
            secret=settings.SECRET_KEY,
            delivery_id=recipient.delivery_id,
            version_id=self.version.pk,
            language=language,
            fixed=self.fixed[language],
            hosts=hosts,
        )
        return lambda url, number: url if url in own else write(url, number)

    def _message(self, filled: Filled, recipient: Recipient, language: str) -> Message:
        html = filled.html
        if html and self.counts[1]:
            told = tracking.Tracked(recipient.delivery_id, self.version.pk, language, 0, "")
            url = f"{public_root()}o/{tracking.token(settings.SECRET_KEY, told, kind='open')}.gif"
            html = html.replace("</body>", f'<img src="{url}" width="1" height="1" alt=""></body>', 1)
        return Message(subject=filled.subject, html=html, text=filled.text)


def _needs(variant: Built) -> frozenset[str]:
    """Return the roots that a variant shows, that must be there, and that it does not ask for first."""
    roots = variables.needed()
    shown = {one.names[0] for _part, one in variant.asked if one.is_shown and len(one.names) > 1}
    tested = {one.names[0] for _part, one in variant.asked if len(one.names) == 1}
    return frozenset((shown - tested) & roots)


def _own_links(recipient: Recipient) -> tuple[str, str]:
    return recipient.unsubscribe_url, recipient.preferences_url


def public_root() -> str:
    """Return what the addresses of the pages for customers begin with."""
    return f"{settings.PUBLIC_URL}{ROOT}"


def short_url(token: str) -> str:
    """Return the address of a short link."""
    return f"{settings.PUBLIC_URL}/s/{token}"


def trusted_hosts(letterhead: Letterhead) -> frozenset[str]:
    """Return the hosts that any template may lead to: the shop's own, as its letterhead names them, and ours."""
    urls = (letterhead.website, letterhead.product_link, settings.PUBLIC_URL)
    return frozenset((urlsplit(url).hostname or "").lower() for url in urls if url)


def of_version(
    version_id: int, *, channel: str, given: Mapping[str, object] | None = None
) -> TemplateVariant:
    """Prepare the messages of a version for a channel.

    Args:
        version_id: The version.
        channel: The medium: `email`, `sms` and so on.
        given: Values by root that the send brings, such as its offer.

    Raises:
        NoSuchVersionError: There is none.
        WrongFormatError: The template is for another kind of channel.
        TemplateFaultError: It can no longer be built, because a block or a product that it names is gone.
    """
    version = TemplateVersion.objects.select_related("template").filter(pk=version_id).first()
    if version is None:
        raise NoSuchVersionError(_("no version of a template has the id %(id)s") % {"id": version_id})
    template = version.template
    wanted = _FORMATS.get(channel, template.format)
    if template.format != wanted:
        raise WrongFormatError(
            _("“%(template)s” is written for %(format)s and cannot go over %(channel)s")
            % {
                "template": template.name,
                "format": Template.Format(template.format).label,
                "channel": medium_label(channel),
            },
            format=template.format,
        )
    row = letterhead()
    shared = letterhead_of(row)
    variants = {
        language: built(
            version.content[language], format=format_of(template), language=language, letterhead=shared
        )
        for language in languages_of(version.content)
    }
    return TemplateVariant(
        version=version,
        variants=variants,
        fixed={language: _fixed(one, version.links.get(language, [])) for language, one in variants.items()},
        letterhead=shared,
        counts=(row.counts_clicks, row.counts_openings),
        given=given or {},
    )


def _fixed(variant: Built, kept: Sequence[str | None]) -> frozenset[int]:
    """Return the links whose address the version keeps: of those that changed since, it travels with the message."""
    links = variant.laid.links if variant.laid else ()
    return frozenset(
        link.number
        for link in links
        if link.is_fixed and link.number < len(kept) and kept[link.number] == link.source
    )


def fixed_links(variant: Built) -> list[str | None]:
    """Return what a version keeps of a variant's links."""
    return [link.source if link.is_fixed else None for link in (variant.laid.links if variant.laid else ())]


def compose(source: Source, *, channel: str) -> TemplateVariant:
    """Compose for sources of the kind `template`, whose id is a version's."""
    return of_version(source.id, channel=channel)


# Previews


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A message as one customer would have it.

    Attributes:
        language: In which it is.
        built: What it was filled from.
        filled: The message.
        missing: Names of values that it shows, that this customer has not, and that nothing stands in for.
    """

    language: str
    built: Built
    filled: Filled
    missing: tuple[str, ...]


def preview(  # noqa: PLR0913  what a preview depends on
    written: Mapping[str, str],
    *,
    format: Format,  # noqa: A002  its name
    language: str,
    customer_id: int,
    now: datetime,
    given: Mapping[str, object] | None = None,
    shortens: bool = True,
) -> Preview:
    """Return the message that a customer would have of what is written; its links are not counted.

    Those of a text are as long as they will be and lead nowhere, unless it `shortens` none.

    Raises:
        TemplateFaultError: It cannot be used as it is written.
        FillingError: This customer's message cannot be made.
    """
    row = letterhead()
    shared = letterhead_of(row)
    variant = built(written, format=format, language=language, letterhead=shared)
    values = variables.gather(
        [customer_id],
        names={one.names for _part, one in variant.asked},
        occasion=Occasion(
            now=now, language=language, letterhead=shared, given={SAMPLE: True, **(given or {})}
        ),
    )[customer_id]
    root = f"{public_root()}preview/"
    values |= {"unsubscribe_url": f"{root}unsubscribe/", "preferences_url": root}
    hosts = trusted_hosts(shared) | (hosts_of(variant.laid.links) if variant.laid else frozenset())
    filled = variant.fill(
        values,
        link=lambda url, _number: url if url.startswith(root) else tracking.checked_url(url, hosts=hosts),
    )
    if shortens and format == "text" and row.counts_clicks:
        named = named_in(written.get("body", ""), letterhead=shared)
        filled = replace(
            filled, text=shorten(filled.text, named=named, write=lambda _url: short_url(STAND_IN))
        )
    return Preview(language=language, built=variant, filled=filled, missing=tuple(_missing(variant, values)))


def _missing(variant: Built, values: Mapping[str, object]) -> Iterable[str]:
    seen = {".".join(asked.names) for _part, asked in variant.asked if not asked.is_shown}
    for _part, asked in variant.asked:
        name = ".".join(asked.names)
        if not asked.is_shown or asked.has_default or "*" in asked.names or name in seen:
            continue
        seen.add(name)
        value: object = values
        for key in asked.names:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None or value == "":
            yield name


def format_of(template: Template) -> Format:
    """Return a template's format as the builder names it."""
    return template.format  # type: ignore[return-value]  # one of them, by constraint
