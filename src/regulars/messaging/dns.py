"""The DNS records by which receivers know a sender's mails: what they should say, and what they do say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dns.exception
import dns.resolver

from regulars.messaging.channels.smtp.dkim import Signer
from regulars.messaging.models import Channel
from regulars.messaging.operations.channels import opening_of

_SECONDS = 3.0
Lookup = Callable[[str], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A TXT record: where it stands, what it should say, and whether it does; `is_right` is None before anybody looked."""

    what: str
    name: str
    value: str
    found: Sequence[str] = ()
    is_right: bool | None = None

    @property
    def labels(self) -> list[str]:
        """The name's parts, between which a line may break."""
        return self.name.split(".")


def records(channel: Channel) -> list[Record]:
    """Return the records for a channel of e-mail over SMTP.

    Raises:
        InvalidChannelError: What the channel was set up with cannot be used.
    """
    told = opening_of(channel).values
    domain = told["from_address"].rpartition("@")[2]
    envelope = told["return_path"].rpartition("@")[2] or domain
    found = [Record(what="SPF", name=envelope, value=f"v=spf1 a:{told['host']} ~all")]
    if told["dkim_key"] and told["dkim_selector"]:
        signer = Signer(selector=told["dkim_selector"], domain=domain, key=told["dkim_key"])
        found.append(
            Record(what="DKIM", name=f"{told['dkim_selector']}._domainkey.{domain}", value=signer.record)
        )
    found.append(
        Record(
            what="DMARC",
            name=f"_dmarc.{domain}",
            value=f"v=DMARC1; p=none; rua=mailto:{told['from_address']}",
        )
    )
    return found


def looked_up(wanted: Sequence[Record], *, lookup: Lookup) -> list[Record]:
    """Return the records with what the DNS says of them: a key must be the same, of the others there must be exactly one."""
    return [_compared(one, lookup(one.name)) for one in wanted]


def txt(name: str) -> list[str]:
    """Return the TXT records of a name, none where there is none or nobody answers within three seconds."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=_SECONDS)
    except (dns.exception.DNSException, OSError):
        return []
    return [b"".join(one.strings).decode("utf-8", "replace") for one in answer]


def _compared(one: Record, said: Sequence[str]) -> Record:
    marks = {"SPF": "v=spf1", "DKIM": "v=DKIM1", "DMARC": "v=DMARC1"}
    found = [text for text in said if text.startswith(marks[one.what])]
    is_right = len(found) == 1 and (one.what != "DKIM" or _key_of(found[0]) == _key_of(one.value))
    return Record(what=one.what, name=one.name, value=one.value, found=found, is_right=is_right)


def _key_of(record: str) -> str:
    return "".join(record.partition("p=")[2].partition(";")[0].split())
