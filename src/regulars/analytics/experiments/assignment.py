"""Who gets what: buckets that never change."""

import hashlib

BUCKETS = 10_000
"""A hundredth of a percent of the customers is one bucket."""


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
