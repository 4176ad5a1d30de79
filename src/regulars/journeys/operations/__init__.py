"""What changes campaigns and journeys."""
