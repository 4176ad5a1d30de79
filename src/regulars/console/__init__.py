"""The door for staff: pages in English and Chinese."""
