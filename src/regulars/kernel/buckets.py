"""Sticky buckets (分桶): who gets what, computed again by anybody and stored nowhere."""

import hashlib
from collections.abc import Mapping

BUCKETS = 10_000
"""A hundredth of a percent of the customers is one bucket."""
GLOBAL_SALT = "global"
"""The salt of the global hold-out: one draw for all that an installation ever says."""


def bucket(customer_id: int | str, *, salt: str) -> int:
    """Return the bucket (分桶) of a customer in an experiment, 0 to 9,999.

    SHA-256 of the UTF-8 text `salt:customer_id`, read as one big-endian number, modulo 10,000. Anybody can
    compute it again, nothing is stored, it is never redrawn, and buckets of different salts are independent.
    The modulo favours no bucket by more than one in 10^73.

    Args:
        customer_id: The customer, in the form that the record uses everywhere.
        salt: The experiment's own text, chosen once.

    Example:
        >>> bucket(1, salt="spring")
        8141
    """
    digest = hashlib.sha256(f"{salt}:{customer_id}".encode()).digest()
    return int.from_bytes(digest, "big") % BUCKETS


def arm(customer_id: int | str, *, salt: str, shares: Mapping[str, int]) -> str:
    """Return the arm that a customer's bucket falls into: the first arm has the lowest buckets, the next one follows.

    Args:
        customer_id: The customer.
        salt: The experiment's own text.
        shares: Buckets of each arm, in order; together 10,000.

    Example:
        >>> arm(1, salt="spring", shares={"plain": 5_000, "coupon": 5_000})
        'coupon'
    """
    drawn, above = bucket(customer_id, salt=salt), 0
    for name, share in shares.items():
        above += share
        if drawn < above:
            return name
    return name


def is_held_out_globally(customer_id: int | str, *, holdout_bp: int) -> bool:
    """Whether a customer gets nothing at all. A larger hold-out keeps everybody who was in the smaller one."""
    return bucket(customer_id, salt=GLOBAL_SALT) < holdout_bp
