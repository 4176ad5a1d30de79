"""Hand a message to a service that sends for others, and say what its answer means."""

from email.utils import formataddr
from typing import Any

from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from django.core.mail import EmailMultiAlternatives

from regulars.messaging.channels.channel import Dispatch, Fault, Outgoing, Receipt, SendError
from regulars.messaging.channels.http import Reply, refusal
from regulars.messaging.channels.providers.calling import GuardedSession
from regulars.messaging.channels.smtp.mime import OWN_HEADERS, Envelope, message_id, one_line
from regulars.shop.wording import gettext as _

# What services are told of a message beside it, and tell again with each of their calls.
TOKEN = "delivery"  # noqa: S105  a name


class ProviderSender:
    """A service, by its backend of django-anymail."""

    def __init__(self, backend: Any, *, envelope: Envelope, origin: str) -> None:  # noqa: ANN401  django-anymail says no types
        self._backend = backend
        self._backend.session = GuardedSession(origin)
        self._envelope = envelope

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        mail = self._mail(outgoing)
        return lambda: self._send(mail)

    def close(self) -> None:
        self._backend.session.close()

    def _mail(self, outgoing: Outgoing) -> EmailMultiAlternatives:
        said, recipient, envelope = outgoing.message, outgoing.recipient, self._envelope
        headers = {"Message-ID": message_id(recipient.token, envelope.domain)}
        if recipient.unsubscribe_url and not outgoing.is_transactional:
            headers["List-Unsubscribe"] = f"<{recipient.unsubscribe_url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        for name, value in said.headers.items():
            if name.lower() in OWN_HEADERS or one_line(value) != value or one_line(name) != name:
                raise SendError(
                    _("the header %(name)s cannot be set") % {"name": name[:60]},
                    fault=Fault.PERMANENT,
                    reason="bad_header",
                )
            headers[name] = value
        mail = EmailMultiAlternatives(
            one_line(said.subject),
            said.text,
            formataddr((one_line(envelope.from_name), envelope.from_address)),
            [one_line(recipient.address)],
            headers=headers,
            reply_to=[envelope.reply_to] if envelope.reply_to else None,
        )
        if said.html:
            mail.attach_alternative(said.html, "text/html")
        mail.metadata = {TOKEN: recipient.token}  # type: ignore[attr-defined]  # what django-anymail reads
        return mail

    def _send(self, mail: EmailMultiAlternatives) -> Receipt:
        try:
            self._backend.send_messages([mail])
        except AnymailRecipientsRefused as error:
            raise _refused(mail, error) from error
        except AnymailRequestsAPIError as error:
            raise _answered(error) from error
        except AnymailAPIError as error:
            # It answered, and nobody can read what.
            raise SendError(str(error)[:300], fault=Fault.UNCERTAIN, reason="answer_cut") from error
        except (AnymailError, ValueError) as error:
            raise SendError(str(error)[:300], fault=Fault.PERMANENT, reason="bad_content") from error
        except (LookupError, TypeError, AttributeError) as error:
            # It answered in JSON that is not what it documents.
            raise SendError(type(error).__name__, fault=Fault.UNCERTAIN, reason="answer_cut") from error
        status = mail.anymail_status  # type: ignore[attr-defined]  # what django-anymail writes
        if not status.message_id:
            # It answered that it took nothing on, without a word of whom it refused.
            raise SendError(_("not accepted"), fault=Fault.PERMANENT, reason="refused")
        return Receipt(provider_id=str(status.message_id))


def _refused(mail: EmailMultiAlternatives, error: AnymailError) -> SendError:
    states = {one.status for one in mail.anymail_status.recipients.values()}  # type: ignore[attr-defined]  # as above
    is_address = "invalid" in states
    return SendError(
        str(error)[:300],
        fault=Fault.PERMANENT,
        reason="no_such_address" if is_address else "suppressed_there",
        is_address=is_address,
    )


def _answered(error: AnymailRequestsAPIError) -> SendError:
    answer = error.response
    if answer is None:
        return SendError(str(error)[:300], fault=Fault.PERMANENT, reason="bad_content")
    reply = Reply(
        status=answer.status_code,
        headers={name.lower(): value for name, value in answer.headers.items()},
        body=answer.content,
    )
    if reply.status // 100 == 2:  # noqa: PLR2004  the class of successes
        return SendError(reply.text, fault=Fault.UNCERTAIN, reason="answer_cut")
    return refusal(reply)
