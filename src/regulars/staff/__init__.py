"""The shop's own people: who they are, what their role lets them do, and their keys for programs."""
