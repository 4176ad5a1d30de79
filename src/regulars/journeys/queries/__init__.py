"""What pages and programs read of campaigns and journeys."""
