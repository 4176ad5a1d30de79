"""What pages and programs read of messages and their deliveries."""
