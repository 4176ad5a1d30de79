"""Regulars turns one-time buyers into regulars: record, understand, decide, act, measure."""
