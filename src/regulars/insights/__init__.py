"""What the record means: facts, nightly profiles, and the history of who moved where."""
