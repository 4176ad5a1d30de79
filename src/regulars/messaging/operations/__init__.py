"""What changes messages and their deliveries."""
