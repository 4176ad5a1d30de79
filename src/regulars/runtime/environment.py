"""Every environment variable that Regulars reads: name, default, meaning. No other module reads one.

The settings page of the documentation is generated from `VARIABLES`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from regulars.kernel.errors import RegularsError

T = TypeVar("T")


class InvalidSettingError(RegularsError):
    """An environment variable holds a value that Regulars cannot use."""

    code: ClassVar[str] = "invalid_setting"


@dataclass(frozen=True)
class Variable(Generic[T]):
    """One environment variable. An empty value counts as absent.

    Attributes:
        name: Its name.
        default: The text that stands for an absent value.
        meaning: What it does, for the person who sets it.
        parse: Turns text into the value; raises ValueError with the rule.
        shown_default: How the documentation shows the default, where it is worked out on the machine.
        is_secret: Its value must not be shown.
    """

    name: str
    default: str
    meaning: str
    parse: Callable[[str], T]
    shown_default: str = ""
    is_secret: bool = False

    @property
    def text(self) -> str:
        """What stands in the environment, or the default."""
        return os.environ.get(self.name) or self.default

    @property
    def value(self) -> T:
        """The parsed value.

        Raises:
            InvalidSettingError: The text breaks the variable's rule.
        """
        try:
            return self.parse(self.text)
        except ValueError as error:
            shown = "its value" if self.is_secret else repr(self.text)
            message = f"{self.name}: {shown} is not usable, {error}"
            raise InvalidSettingError(message, variable=self.name) from error

    @property
    def is_set(self) -> bool:
        """Whether the environment says something."""
        return bool(os.environ.get(self.name))

    def put(self, text: str) -> None:
        """Set the variable for this process and the ones it starts."""
        os.environ[self.name] = text


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        message = "write 1 for yes or 0 for no"
        raise ValueError(message)
    return text == "1"


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 65_535:  # noqa: PLR2004  the highest port there is
        message = "write a port number from 1 to 65535"
        raise ValueError(message)
    return int(text)


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _postgresql_url(text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgres://")):
        message = "write postgresql://user:password@host:5432/database"
        raise ValueError(message)
    return text


def _web_address(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        message = "write https://name"
        raise ValueError(message)
    return text.rstrip("/")


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            message = f"choose one of {', '.join(choices)}"
            raise ValueError(message)
        return text

    return parse


HOME = Variable(
    "REGULARS_HOME",
    "",
    "Folder that holds everything this installation owns: database, uploads, facts, secret key.",
    str,
    shown_default="/var/lib/regulars as root, otherwise the user's data folder",
)
XDG_DATA_HOME = Variable(
    "XDG_DATA_HOME",
    "",
    "Where an ordinary Linux user's programs keep their data; read only when REGULARS_HOME is not set.",
    str,
    shown_default="~/.local/share",
)
JAVA_HOME = Variable(
    "JAVA_HOME",
    "",
    "Where Java lies, for the engine Spark.",
    str,
    shown_default="that of the program java",
)
DATABASE_URL = Variable(
    "DATABASE_URL",
    "",
    "A PostgreSQL 15 or newer to use instead of the private one, "
    "as postgresql://user:password@host:5432/database. Other libpq options may follow after a question mark.",
    _postgresql_url,
    shown_default="the private PostgreSQL in the home folder",
    is_secret=True,
)
SECRET_KEY = Variable(
    "REGULARS_SECRET_KEY",
    "",
    "Signs sessions and links. Set it to share one secret between several machines.",
    str,
    shown_default="made at first start and kept in the home folder",
    is_secret=True,
)
FORMER_SECRET_KEYS = Variable(
    "REGULARS_FORMER_SECRET_KEYS",
    "",
    "Former values of the secret, separated by commas, while it is exchanged: what they sealed still opens. "
    "`regulars connectors reseal` seals the shops' secrets with the present one.",
    _listed,
    shown_default="none",
    is_secret=True,
)
HOSTS = Variable(
    "REGULARS_HOSTS",
    "localhost,127.0.0.1,[::1]",
    "Host names under which the console may be called, separated by commas.",
    _listed,
)
PUBLIC_URL = Variable(
    "REGULARS_PUBLIC_URL",
    "",
    "Address under which the shop's customers reach the pages meant for them, as https://mail.example.com; "
    "links in mails begin with it.",
    _web_address,
    shown_default="the first of REGULARS_HOSTS; without REGULARS_TLS at the port that is served",
)
TLS = Variable(
    "REGULARS_TLS",
    "0",
    "1 when a proxy in front serves HTTPS and sets X-Forwarded-Proto: cookies are then marked secure and "
    "plain HTTP is redirected.",
    _flag,
)
SMTP_HOST = Variable(
    "REGULARS_SMTP_HOST",
    "",
    "Mail server. Without one, mail is printed to the log.",
    str,
    shown_default="none",
)
SMTP_PORT = Variable("REGULARS_SMTP_PORT", "587", "Port of the mail server.", _port)
SMTP_USER = Variable("REGULARS_SMTP_USER", "", "User name at the mail server.", str, shown_default="none")
SMTP_PASSWORD = Variable(
    "REGULARS_SMTP_PASSWORD", "", "Password at the mail server.", str, shown_default="none", is_secret=True
)
SMTP_TLS = Variable("REGULARS_SMTP_TLS", "1", "1 to require STARTTLS, 0 to send in the clear.", _flag)
FROM_EMAIL = Variable("REGULARS_FROM_EMAIL", "regulars@localhost", "Sender of the console's own mail.", str)
SPARK_MASTER = Variable(
    "REGULARS_SPARK_MASTER",
    "local[*]",
    "Where `--engine spark` computes: local[*] on all cores of this machine, or the cluster's URL, such as "
    "spark://host:7077, yarn or k8s://https://host. Its machines must see the facts folder under the same path.",
    str,
)
METRICS_TOKEN = Variable(
    "REGULARS_METRICS_TOKEN",
    "",
    "Bearer token that lets another machine read /metrics. Without one, only this machine may.",
    str,
    shown_default="none",
    is_secret=True,
)
LOG_FORMAT = Variable(
    "REGULARS_LOG_FORMAT",
    "auto",
    "json, human, or auto: human on a terminal and json elsewhere.",
    _one_of("auto", "json", "human"),
)
LOG_LEVEL = Variable(
    "REGULARS_LOG_LEVEL",
    "INFO",
    "Least severe message that is logged.",
    _one_of("DEBUG", "INFO", "WARNING", "ERROR"),
)

VARIABLES: tuple[Variable[object], ...] = tuple(
    variable for variable in list(globals().values()) if isinstance(variable, Variable)
)


# Not the person's to set: `regulars web` tells its processes where the metrics library shares its counters.
_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"


def share_counters(folder: Path) -> None:
    """Let the processes that this one starts share their counters in `folder`."""
    os.environ[_COUNTERS] = str(folder)


def counters_are_shared() -> bool:
    """Whether this is one of several processes that share their counters."""
    return _COUNTERS in os.environ
