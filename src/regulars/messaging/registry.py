"""Where the content of messages comes from: rooms and folders register a composer for each kind of source.

A send has a source: a kind (`campaign`, `journey`), the id of a thing of that kind, and a step of it. The ledger knows no
more of content than this. For each source and channel a composer prepares once; the content is then filled for a batch of
recipients at a time, so that what is looked up of them is looked up together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from regulars.kernel.errors import RegularsError


class CompositionError(RegularsError):
    """This customer's message cannot be made. It fails alone; others of the same source are not touched."""

    code: ClassVar[str] = "composition_failed"


class UnknownSourceError(RegularsError):
    """No composer is registered for a source's kind."""

    code: ClassVar[str] = "unknown_source"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Why something is sent: one step of one thing of a kind."""

    kind: str
    id: int
    step: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Whom one message is for.

    Attributes:
        delivery_id: The row of the ledger.
        token: What names the delivery outside: in Message-ID, links and webhooks. The same at every try.
        customer_id: The customer.
        address: Where it goes: an e-mail address, a number in E.164, an id of a platform; "" where the channel needs none.
        language: What they want to be spoken to in, "" for the shop's choice.
        unsubscribe_url: Takes back the consent that it is sent on; "" where there is none to take back.
        preferences_url: Their own page.
    """

    delivery_id: int
    token: str
    customer_id: int
    address: str
    language: str
    unsubscribe_url: str
    preferences_url: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """Content for one recipient. A channel takes what it can say: an SMS its text, a webhook its data.

    Attributes:
        subject: One line.
        html: "" for plain text alone.
        text: The plain-text twin, or all there is.
        headers: Further headers of an e-mail. Those that the channel sets itself cannot be replaced.
        data: What programs are told, as JSON.
    """

    subject: str = ""
    html: str = ""
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict)


# Fills one recipient of the batch that it was made for; raises `CompositionError`.
Fill = Callable[[Recipient], Message]


class Variant(Protocol):
    """Content that was prepared once, for one source and channel."""

    def batch(self, recipients: Sequence[Recipient], *, now: datetime) -> Fill:
        """Look up what these recipients' messages need, all at once, and return what fills each."""
        ...


class Composer(Protocol):
    """Prepares the content of a kind of source."""

    def __call__(self, source: Source, *, channel: str) -> Variant:
        """Prepare.

        Args:
            source: Of the kind that the composer was registered for.
            channel: The medium: `email`, `sms`, `webhook` and so on.

        Raises:
            RegularsError: The source has no content for this channel, or none that can be used. The send is stopped and says so.
        """
        ...


_composers: dict[str, Composer] = {}


def register_source(kind: str, composer: Composer) -> None:
    """Say what composes messages of a kind of source.

    Raises:
        ValueError: Another composer is registered for it.
    """
    if _composers.setdefault(kind, composer) is not composer:
        message = f"source kind {kind!r} has a composer already"
        raise ValueError(message)


def composer_of(kind: str) -> Composer:
    """Return what composes a kind of source.

    Raises:
        UnknownSourceError: Nothing does.
    """
    try:
        return _composers[kind]
    except KeyError:
        known = ", ".join(sorted(_composers)) or "none"
        raise UnknownSourceError(f"source kind {kind!r} is not registered; known are: {known}") from None
