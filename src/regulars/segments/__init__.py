"""Segments: rules over whatever is known of customers, who is in them, and who came and went."""
