"""Keep secrets unreadable in the database and in backups."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, MultiFernet


def sealer(purpose: str, secrets: Sequence[str]) -> MultiFernet:
    """Return what seals and opens secrets of one purpose, with keys made of the installation's secrets.

    The first secret seals; all of them open, so that a secret can be exchanged without losing what the former sealed.
    `MultiFernet.rotate` seals anew.

    Args:
        purpose: What is sealed; what was sealed for one purpose does not open for another.
        secrets: The present secret, then former ones.
    """
    return MultiFernet([Fernet(_key(purpose, secret)) for secret in secrets])


def _key(purpose: str, secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{purpose}\0{secret}".encode()).digest())
