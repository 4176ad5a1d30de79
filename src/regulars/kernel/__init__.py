"""Words every room shares: errors, money, days, domain events. Standard library only."""
