"""The door for programs: typed REST under /api/v1."""
