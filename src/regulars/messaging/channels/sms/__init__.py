"""Short messages: how many parts a text has, and the gateways that carry it."""
