"""Domain events on their way up: written with the change, delivered after commit, at least once."""
