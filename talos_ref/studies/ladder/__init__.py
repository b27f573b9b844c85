"""Six models of the same words, each one idea more than the one before: from counting pairs to the circuit's own.

`tensor` and `functions` bring gradients by the chain rule, which the third step begins to use.
"""
