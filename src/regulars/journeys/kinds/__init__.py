"""The kinds of entries and steps that come with Regulars."""
