"""What a channel is: how it is set up, how it sends, what that costs, and what may go wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Protocol

from django.utils.functional import Promise

from regulars.kernel.errors import RegularsError
from regulars.messaging.registry import Message, Recipient, Source


class Fault(Enum):
    """What a failure means for the message."""

    PERMANENT = "permanent"  # it will never go, or not to this address
    TEMPORARY = "temporary"  # it did not go and may later
    THROTTLED = "throttled"  # it did not go: too fast
    UNCERTAIN = "uncertain"  # it may have gone
    CHANNEL = "channel"  # nothing goes at present, whatever the message


class SendError(RegularsError):
    """A message was not accepted, or nobody can tell.

    Attributes:
        fault: What that means.
        reason: A stable word for it.
        is_address: The address does not exist and is written to no more.
        wait: How long the other side asks for; None where it does not say.
        is_gone: The channel says that it is there no more, and is taken out of use.
    """

    code: ClassVar[str] = "send_failed"

    def __init__(  # noqa: PLR0913  what the ledger must know
        self,
        message: str,
        *,
        fault: Fault,
        reason: str = "",
        is_address: bool = False,
        wait: timedelta | None = None,
        is_gone: bool = False,
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.reason = reason or fault.value
        self.is_address = is_address
        self.wait = wait
        self.is_gone = is_gone


class InvalidChannelError(RegularsError):
    """What was said of a channel cannot be used; `field` names which part."""

    code: ClassVar[str] = "invalid_channel"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message on its way out: for whom, why, what, and whether the reader may unsubscribe from its like."""

    recipient: Recipient
    source: Source
    message: Message
    is_transactional: bool = False


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The other side took the message on, and calls it `provider_id`."""

    provider_id: str = ""


Dispatch = Callable[[], Receipt]


class Sender(Protocol):
    """An open channel, of one thread."""

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        """Do whatever can be done before anything leaves, and return what sends.

        Raises:
            SendError: This message cannot go, for good.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Something that must be known to set a channel up. A secret is kept sealed and never shown again.

    One that `is_made` where none is told is shown once: the other side must know it too.
    """

    name: str
    label: str | Promise
    help: str | Promise = ""
    is_secret: bool = False
    is_required: bool = True
    default: str = ""
    choices: Sequence[tuple[str, str | Promise]] = ()
    is_long: bool = False
    is_made: bool = False


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a channel is opened with: what it was set up with, secrets included.

    `values` has every asked name, "" where nothing was told. `name` is the channel's, `key` what stands in the addresses
    that its provider calls.
    """

    values: Mapping[str, str]
    name: str = ""
    key: str = ""


class BadCallError(RegularsError):
    """A call that tells what became of messages is not its provider's, or says nothing that can be read."""

    code: ClassVar[str] = "bad_call"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A provider's call: the address that it was told to call, header names in lower case, and the body.

    `query` is what a call without a body asks, when a provider makes sure that somebody is there.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class News:
    """What became of a message: it was `delivered`, `bounced`, `complained` of, `failed`, `opened`, `clicked`, `unsubscribed` from.

    It is named by our own `token` where the provider tells it, else by what the provider called it.
    """

    provider_id: str
    state: str
    token: str = ""
    reason: str = ""
    trouble: str = ""
    is_address: bool = False
    url: str = ""


def _one_each(_message: Message, _values: Mapping[str, str]) -> int:
    return 1


_DEFAULT_RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))


@dataclass(frozen=True, kw_only=True)
class ChannelKind:
    """A kind of channel.

    Attributes:
        key: Its name in the database.
        label: Its name for people.
        about: One sentence on what it is for.
        media: What it can reach people by, as consents name it.
        asked: What must be known to set it up.
        open: Opens it, for one thread; raises `InvalidChannelError` where what was told cannot be used.
        retries: How long to wait after the first, second ... try that failed for a time; after the last the message has failed.
        repeats_doubtful: Whether a message that may have gone is sent again, with the same id: where twice does less harm than never.
        takes_tests: Whether a message outside the ledger goes anywhere.
        segments: How many parts a message is charged as.
        hear: Reads a provider's call, None where none comes; raises `BadCallError` for one that is not genuine.
        greet: Answers a provider that makes sure that somebody is there; raises `BadCallError` for one that is not genuine.
        collect: Fetches what a mailbox tells, a few pieces at a time; each is done with once the next is asked for.
    """

    key: str
    label: str | Promise
    about: str | Promise
    media: Sequence[str]
    asked: Sequence[Asked]
    open: Callable[[Opening], Sender]
    retries: Sequence[timedelta] = _DEFAULT_RETRIES
    repeats_doubtful: bool = False
    takes_tests: bool = True
    segments: Callable[[Message, Mapping[str, str]], int] = field(default=_one_each)
    hear: Callable[[Opening, Call], Sequence[News]] | None = None
    greet: Callable[[Opening, Call], str] | None = None
    collect: Callable[[Opening], Iterator[Sequence[News]]] | None = None

    def cost(
        self, message: Message, values: Mapping[str, str], *, cost_minor: Decimal
    ) -> tuple[int, Decimal]:
        """Return how many segments a message is charged as, and what they cost together."""
        segments = self.segments(message, values)
        return segments, segments * cost_minor
