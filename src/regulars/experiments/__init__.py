"""Proof: who was to get what, what became of them, and what may be said of the difference."""
