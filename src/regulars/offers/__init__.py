"""Offers and their codes: what is taken off a basket, who may have it, how often, and what it costs."""
