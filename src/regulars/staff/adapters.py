"""How allauth serves this shop: nobody signs up, second-factor secrets are encrypted at rest."""

import logging
from smtplib import SMTPException

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import MultiFernet
from django.conf import settings
from django.http import HttpRequest

from regulars.runtime.sealing import sealer

_log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by an owner or on the command line."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  allauth's signature
        """Return False: a stranger cannot make an account."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Send allauth's own mail. A failure is for the log: an answer that differs would tell whose address it is."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException):
            _log.exception("mail not sent", extra={"template": template_prefix})


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Keeps authenticator secrets and recovery seeds unreadable in the database and in backups."""

    def encrypt(self, text: str) -> str:
        """Return `text` under the installation's key."""
        return _cipher().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Return what `encrypt` was given."""
        return _cipher().decrypt(encrypted_text.encode("ascii")).decode()


def _cipher() -> MultiFernet:
    return sealer("regulars second factor", [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
