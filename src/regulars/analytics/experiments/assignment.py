"""Who gets what: the buckets of the kernel, under the name that experiments know them by."""

from regulars.kernel.buckets import BUCKETS, bucket

__all__ = ["BUCKETS", "bucket"]
