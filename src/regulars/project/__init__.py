"""How the rooms are put together: settings, URLs, the WSGI application, the `regulars` command."""
