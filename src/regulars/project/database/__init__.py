"""Django's PostgreSQL, which finds out without a question whether a connection that rested is still good."""
