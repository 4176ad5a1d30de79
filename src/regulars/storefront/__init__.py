"""The pages for the shop's own customers: no login, signed links, no tracking."""
