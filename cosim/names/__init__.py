"""From a list of words to a verified core: one command."""
