"""Python binding of the C library, and the model file that it reads."""
