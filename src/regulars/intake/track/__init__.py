"""The track API: calls in the form of Segment's HTTP API, taken in at once and worked through soon after."""
