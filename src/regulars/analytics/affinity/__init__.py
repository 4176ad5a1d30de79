"""Affinity (商品关联): which products go together, and which one a customer wants next."""

from regulars.analytics.affinity.forecast import REASONS, Weights, next_basket

__all__ = ["REASONS", "Weights", "next_basket"]
