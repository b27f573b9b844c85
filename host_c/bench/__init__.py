"""This machine's CPU beside the cores and the published figures."""
