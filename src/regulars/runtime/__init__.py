"""The machine beneath: the home folder, the private PostgreSQL, the supervisor of processes. No Django."""
