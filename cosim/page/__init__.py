"""The page: cores and C library as WebAssembly, and the figures of all commands, in one static folder."""
