"""The DNS records by which receivers know a sender's mails: what they should say, and what they do say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

import dns.exception
import dns.resolver

from regulars.messaging.channels.smtp.dkim import Signer
from regulars.messaging.models import Channel
from regulars.messaging.operations.channels import opening_of

_SECONDS = 3.0
Lookup = Callable[[str], Sequence[str] | None]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A TXT record: where it stands, what it should say, and whether it does.

    `is_right` is None before anybody looked; `is_silent` where somebody did and nobody answered.
    """

    what: str
    name: str
    value: str
    found: Sequence[str] = ()
    is_right: bool | None = None
    is_silent: bool = False

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
    found = [Record(what="SPF", name=envelope, value=f"v=spf1 {_mechanism(told['host'])} ~all")]
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
    """Return the records with what the DNS says of them.

    Once nobody answers, the rest is not asked for. There must be exactly one of each. A key must be the same; SPF must let the mail server through, as far as the record itself
    tells (RFC 7208); DMARC must name a policy (RFC 7489).
    """
    found, is_silent = [], False
    for one in wanted:
        said = None if is_silent else lookup(one.name)
        is_silent = said is None
        found.append(replace(one, is_silent=True) if said is None else _compared(one, said))
    return found


def txt(name: str) -> list[str] | None:
    """Return the TXT records of a name; None where nobody answers within three seconds."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [b"".join(one.strings).decode("utf-8", "replace") for one in answer]


def _compared(one: Record, said: Sequence[str]) -> Record:
    marks = {"SPF": "v=spf1", "DKIM": "v=DKIM1", "DMARC": "v=DMARC1"}
    found = [text for text in said if text.lower().startswith(marks[one.what].lower())]
    is_right = len(found) == 1 and _RIGHT[one.what](found[0], one.value)
    return Record(what=one.what, name=one.name, value=one.value, found=found, is_right=is_right)


def _mechanism(host: str) -> str:
    """Return what lets a mail server through in SPF, by its name or its address."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return f"a:{host}"
    return f"ip{address.version}:{address}"


def _lets_through(record: str, wanted: str) -> bool:
    """Return whether SPF names the mail server, or something that may be it; what stands after `all` does not count."""
    version, *terms = record.lower().split()
    if version != "v=spf1":
        return False
    redirects = False
    for term in terms:
        qualifier = term[0] if term[0] in _QUALIFIERS else "+"
        mechanism = term.lstrip(_QUALIFIERS)
        if mechanism == "all":
            return qualifier == "+"
        if qualifier == "+" and _may_be(mechanism, wanted.split()[1]):
            return True
        redirects |= mechanism.startswith("redirect=")
    return redirects


def _may_be(mechanism: str, wanted: str) -> bool:
    """Return whether a mechanism is what is wanted, or stands for addresses that the record does not tell."""
    kind, _colon, address = mechanism.partition(":")
    if kind in ("ip4", "ip6"):
        try:
            network = ip_network(address, strict=False)
        except ValueError:
            return False
        own = wanted.partition(":")[2]
        return wanted.startswith("a:") or ip_address(own) in network
    return kind.partition("/")[0] in _ASKED


def _has_policy(record: str, _wanted: str) -> bool:
    tags = [tag.partition("=") for tag in record.split(";")]
    told = [(name.strip(), value.strip()) for name, _equals, value in tags]
    return told[0] == ("v", "DMARC1") and dict(told).get("p", "").lower() in _POLICIES


def _same_key(record: str, wanted: str) -> bool:
    return _key_of(record) == _key_of(wanted)


def _key_of(record: str) -> str:
    return "".join(record.partition("p=")[2].partition(";")[0].split())


_QUALIFIERS = "+-~?"
_ASKED = {"a", "mx", "include", "exists", "ptr"}
_POLICIES = {"none", "quarantine", "reject"}
_RIGHT: Mapping[str, Callable[[str, str], bool]] = {
    "SPF": _lets_through,
    "DKIM": _same_key,
    "DMARC": _has_policy,
}
