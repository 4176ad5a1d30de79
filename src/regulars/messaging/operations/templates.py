"""Write templates, publish versions of them, put them away, and count what becomes of their messages."""

import copy
import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.db.models import Max
from django.utils import translation

from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.messaging.channels import KINDS
from regulars.messaging.channels.channel import InvalidChannelError, SendError
from regulars.messaging.checking import Fault, check, unknown_names
from regulars.messaging.composing import NoSuchTemplateError
from regulars.messaging.models import Channel, Letterhead, Template, TemplateVersion
from regulars.messaging.operations import channels
from regulars.messaging.registry import Message
from regulars.messaging.starters import starter
from regulars.messaging.templating.building import Built
from regulars.messaging.templating.faults import TemplateFaultError
from regulars.messaging.templating.mail import MOST_WRITTEN
from regulars.messaging.templating.mail import Letterhead as Shared
from regulars.shop.wording import gettext as _
from regulars.staff.models import User

_PARTS = ("subject", "preheader", "body")
_NAME_LENGTH = 100
# The backend of a program without a mail server.
_PRINTS = "django.core.mail.backends.console.EmailBackend"
_MAIL_KINDS = [kind.key for kind in KINDS if kind.media == ("email",)]
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class InvalidTemplateError(RegularsError):
    """The name, the description, the language or a part cannot be kept."""

    code: ClassVar[str] = "invalid_template"


class TemplateNameTakenError(InvalidTemplateError):
    """The name is another template's."""

    code: ClassVar[str] = "template_name_taken"


class ArchivedTemplateError(RegularsError):
    """The template is in the archive; take it out first."""

    code: ClassVar[str] = "template_archived"


class InvalidLetterheadError(RegularsError):
    """A part of the letterhead cannot be used; `field` says which."""

    code: ClassVar[str] = "invalid_letterhead"


class TestNotSentError(RegularsError):
    """The test message could not be sent."""

    code: ClassVar[str] = "test_not_sent"


def create_template(  # noqa: PLR0913  one argument a column
    *,
    name: str,
    format: str,  # noqa: A002  its name
    language: str = "en",
    description: str = "",
    content: Mapping[str, Mapping[str, str]] | None = None,
    by: User | None = None,
    now: datetime,
) -> Template:
    """Make a template with a draft and no version yet.

    Args:
        name: Free among those not archived.
        format: `email`, `text` or `task`.
        language: Whoever speaks none of the template's languages has it in this one.
        description: What it is for.
        content: The draft by language: subject, preheader, body.
        by: Who makes it.
        now: The time.

    Raises:
        InvalidTemplateError: One of them cannot be kept.
        TemplateNameTakenError: The name is another's.
    """
    if format not in Template.Format.values:
        raise InvalidTemplateError(
            _("%(value)s, must be one of %(choices)s")
            % {"value": repr(format), "choices": ", ".join(Template.Format.values)},
            field="format",
        )
    return Template.objects.create(
        name=_free_name(name),
        description=_short(description, 500),
        format=format,
        language=_language(language),
        draft=_draft(content or {}),
        draft_at=now,
        created_at=now,
        created_by=by,
    )


def create_from_starter(*, code: str, name: str = "", by: User | None = None, now: datetime) -> Template:
    """Make a template from one of the library, in both languages, under its name or another.

    Raises:
        NoSuchStarterError: The library has none of this code.
        InvalidTemplateError: As for `create_template`.
    """
    found = starter(code)
    wanted = name or str(found.name)
    return create_template(
        name=wanted if name else _next_name(wanted),
        format=found.format,
        language="zh-hans" if (translation.get_language() or "").startswith("zh") else "en",
        description=str(found.purpose),
        content=found.content,
        by=by,
        now=now,
    )


def save_draft(template_id: int, *, content: Mapping[str, Mapping[str, str]], now: datetime) -> Template:
    """Keep what is being written of some languages; the others stay. Nothing is sent of a draft.

    Raises:
        NoSuchTemplateError: There is none.
        ArchivedTemplateError: It is in the archive.
        InvalidTemplateError: A part is too long to be kept, or of an unknown language.
    """
    with transaction.atomic():
        template = _locked(template_id)
        template.draft = {**template.draft, **_draft(content)}
        template.draft_at = now
        template.save(update_fields=["draft", "draft_at"])
    return template


def describe(template_id: int, *, name: str, description: str, language: str) -> Template:
    """Rename a template, say what it is for, and in which language it is sent where no other fits.

    Raises:
        InvalidTemplateError: One of them cannot be kept.
    """
    with transaction.atomic():
        template = _locked(template_id)
        template.name = _free_name(name, besides=template)
        template.description = _short(description, 500)
        template.language = _language(language)
        template.save(update_fields=["name", "description", "language"])
    return template


def publish(template_id: int, *, by: User | None = None, now: datetime) -> TemplateVersion:
    """Make a version of the draft; a draft that says what the last version says makes none, and that one is returned.

    Raises:
        TemplateFaultError: A language cannot be used as it is written; the first fault is told, with its language.
        NoContentError: No language has a body.
    """
    with transaction.atomic():
        template = _locked(template_id)
        languages = composing.languages_of(template.draft)
        if not languages:
            raise composing.NoContentError(_("nothing is written yet in any language"))
        content = {language: template.draft[language] for language in languages}
        latest = template.versions.first()
        if latest is not None and latest.content == content:
            return latest
        shared = composing.letterhead_of(composing.letterhead())
        links = {}
        for language, written in content.items():
            variant = _usable(written, template=template, language=language, shared=shared)
            links[language] = composing.fixed_links(variant)
        number = (template.versions.aggregate(most=Max("number"))["most"] or 0) + 1
        return TemplateVersion.objects.create(
            template=template, number=number, content=content, links=links, saved_at=now, saved_by=by
        )


def _usable(written: Mapping[str, str], *, template: Template, language: str, shared: Shared) -> Built:
    try:
        variant = composing.built(
            written, format=composing.format_of(template), language=language, letterhead=shared
        )
    except TemplateFaultError as error:
        error.details.setdefault("language", language)
        raise
    fault: Fault | None = next(unknown_names(variant), None)
    if fault is not None:
        raise TemplateFaultError(fault.text, part=fault.part, line=fault.line, language=language)
    if template.format != Template.Format.TEXT and not written.get("subject", "").strip():
        raise TemplateFaultError(_("The subject is empty."), part="subject", line=0, language=language)
    return variant


def restore_version(template_id: int, *, number: int, now: datetime) -> Template:
    """Put a version's content into the draft again; publishing it makes a new version.

    Raises:
        NoSuchVersionError: The template has no version of this number.
    """
    with transaction.atomic():
        template = _locked(template_id)
        version = template.versions.filter(number=number).first()
        if version is None:
            raise composing.NoSuchVersionError(
                _("“%(name)s” has no version %(number)s") % {"name": template.name, "number": number}
            )
        template.draft = copy.deepcopy(version.content)
        template.draft_at = now
        template.save(update_fields=["draft", "draft_at"])
    return template


def duplicate(template_id: int, *, by: User | None = None, now: datetime) -> Template:
    """Make a copy of a template's draft under a name of its own."""
    template = _found(template_id)
    return create_template(
        name=_next_name(template.name),
        format=template.format,
        language=template.language,
        description=template.description,
        content=template.draft,
        by=by,
        now=now,
    )


def archive(template_id: int, *, now: datetime) -> Template:
    """Put a template out of sight; what is under way with its versions goes on."""
    template = _found(template_id)
    if template.archived_at is None:
        template.archived_at = now
        template.save(update_fields=["archived_at"])
    return template


def unarchive(template_id: int) -> Template:
    """Take a template out of the archive.

    Raises:
        TemplateNameTakenError: Its name was taken meanwhile.
    """
    template = _found(template_id)
    if template.archived_at is not None:
        template.name = _free_name(template.name, besides=template)
        template.archived_at = None
        template.save(update_fields=["archived_at"])
    return template


def set_letterhead(**told: str | bool) -> Letterhead:
    """Write the letterhead.

    Args:
        told: Columns of `Letterhead` by name.

    Raises:
        InvalidLetterheadError: An address is none of https, the colour is none, or the product's address has no place for its code.
    """
    row = composing.letterhead()
    for name, value in told.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    for name in ("website", "logo_url", "product_link"):
        url = getattr(row, name)
        if url and (urlsplit(url).scheme not in {"https", "http"} or not urlsplit(url).hostname):
            raise InvalidLetterheadError(
                _("%(url)s is no address; begin it with https://") % {"url": url}, field=name
            )
    if row.product_link and "{code}" not in row.product_link:
        raise InvalidLetterheadError(
            _("%(link)s has no %(mark)s in the place of the product's code")
            % {"link": row.product_link, "mark": "{code}"},
            field="product_link",
        )
    if not _COLOUR.fullmatch(row.accent):
        raise InvalidLetterheadError(
            _("%(colour)s is no colour; write # and six digits, such as #4f46e5") % {"colour": row.accent},
            field="accent",
        )
    row.save()
    return row


def send_test(template_id: int, *, language: str, customer_id: int, to: str, now: datetime) -> None:
    """Send the draft of one language to one of the staff, as a customer would have it.

    It goes over the channel of e-mail that was set up first, as messages do; where there is none, over the mail server of the
    settings. Texts and tasks come as a mail that holds their words, with their links as they were written.

    Raises:
        TestNotSentError: There is neither, or the message was not accepted.
        TemplateFaultError: The draft cannot be used as it is written.
        FillingError: This customer's message cannot be made.
    """
    template = _found(template_id)
    channel = Channel.objects.filter(is_active=True, kind__in=_MAIL_KINDS).order_by("pk").first()
    if channel is None and settings.EMAIL_BACKEND == _PRINTS:
        raise TestNotSentError(
            _("No mail can be sent yet: set a channel of e-mail up under Settings, Channels.")
        )
    checked = check(
        template.draft.get(language, {}),
        format=composing.format_of(template),
        language=language,
        customer_id=customer_id,
        now=now,
        shortens=False,
    )
    if checked.preview is None:
        fault = checked.faults[0]
        raise TemplateFaultError(fault.text, part=fault.part, line=fault.line, language=language)
    filled = checked.preview.filled
    subject, mark = filled.subject or template.name, _("Test")
    message = Message(
        subject=f"[{mark}] {subject}",
        html=filled.html,
        text=filled.text,
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        if channel is None:
            _mail(message, to=to)
        else:
            channels.send_test(channel.pk, message=message, recipient=channels.recipient_of_test(to))
    except (OSError, SendError, InvalidChannelError) as error:
        raise TestNotSentError(_("The mail server did not take it: %(error)s") % {"error": error}) from error


def _mail(message: Message, *, to: str) -> None:
    mail = EmailMultiAlternatives(message.subject, message.text, None, [to], headers=dict(message.headers))
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    mail.send()


# What becomes of messages


def record_click(*, delivery_id: int, version_id: int | None, number: int, url: str, now: datetime) -> bool:
    """Note that a link of a delivery was followed; return whether it was the first time. A delivery that is not there is not noted.

    `version_id` is None for a link that a service counted and not we.
    """
    return _note(
        """
        INSERT INTO messaging_click AS seen (delivery_id, version_id, number, url, first_at, last_at, times)
        SELECT d.id, %(version)s, %(number)s, %(url)s, %(now)s, %(now)s, 1 FROM messaging_delivery d WHERE d.id = %(delivery)s
        ON CONFLICT (delivery_id, version_id, number) DO UPDATE SET last_at = excluded.last_at, times = seen.times + 1
        WHERE seen.times < 10000
        RETURNING times = 1
        """,
        {"delivery": delivery_id, "version": version_id, "number": number, "url": url[:2_000], "now": now},
    )


def record_opening(*, delivery_id: int, now: datetime) -> bool:
    """Note that the picture of a delivery was loaded; return whether it was the first time."""
    return _note(
        """
        INSERT INTO messaging_opening AS seen (delivery_id, first_at, last_at, times)
        SELECT d.id, %(now)s, %(now)s, 1 FROM messaging_delivery d WHERE d.id = %(delivery)s
        ON CONFLICT (delivery_id) DO UPDATE SET last_at = excluded.last_at, times = seen.times + 1
        WHERE seen.times < 10000
        RETURNING times = 1
        """,
        {"delivery": delivery_id, "now": now},
    )


def _note(statement: str, values: Mapping[str, int | str | datetime | None]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return bool(row and row[0])


# Checks of what is told


def _found(template_id: int) -> Template:
    template = Template.objects.filter(pk=template_id).first()
    if template is None:
        raise NoSuchTemplateError(_("no template has the id %(id)s") % {"id": template_id})
    return template


def _locked(template_id: int) -> Template:
    template = Template.objects.select_for_update().filter(pk=template_id).first()
    if template is None:
        raise NoSuchTemplateError(_("no template has the id %(id)s") % {"id": template_id})
    if template.archived_at is not None:
        raise ArchivedTemplateError(
            _("“%(name)s” is in the archive; take it out first") % {"name": template.name}
        )
    return template


def _free_name(name: str, *, besides: Template | None = None) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > _NAME_LENGTH or "\0" in plain:
        raise InvalidTemplateError(
            _("a name of %(many)s characters, must have 1 to 100") % {"many": len(plain)}, field="name"
        )
    taken = Template.objects.filter(name=plain, archived_at=None)
    if besides is not None:
        taken = taken.exclude(pk=besides.pk)
    if taken.exists():
        raise TemplateNameTakenError(
            _("Another template is called “%(name)s”.") % {"name": plain}, field="name"
        )
    return plain


def _next_name(name: str) -> str:
    taken = set(Template.objects.filter(archived_at=None).values_list("name", flat=True))
    if name not in taken:
        return name
    numbers = range(2, len(taken) + 3)
    return next(one for number in numbers if (one := f"{name[: _NAME_LENGTH - 6]} {number}") not in taken)


def _short(text: str, most: int) -> str:
    plain = text.replace("\0", "").strip()
    if len(plain) > most:
        raise InvalidTemplateError(
            _("%(count)s characters, must be at most %(most)s") % {"count": len(plain), "most": most},
            field="description",
        )
    return plain


def _language(language: str) -> str:
    known = [code for code, _label in settings.LANGUAGES]
    if language not in known:
        raise InvalidTemplateError(
            _("%(value)s, must be one of %(choices)s")
            % {"value": repr(language), "choices": ", ".join(known)},
            field="language",
        )
    return language


def _draft(content: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    kept: dict[str, dict[str, str]] = {}
    for language, written in content.items():
        parts = {part: str(written.get(part, "")).replace("\0", "").replace("\r\n", "\n") for part in _PARTS}
        for part, text in parts.items():
            most = MOST_WRITTEN if part == "body" else 1_000
            if len(text) > most:
                raise InvalidTemplateError(
                    _("%(part)s of %(count)s characters, must be at most %(most)s")
                    % {"part": part, "count": len(text), "most": most},
                    field=part,
                )
        kept[_language(language)] = parts
    return kept
