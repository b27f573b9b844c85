"""``python -m host_c.bench``: see `host_c.bench.cli`."""

from host_c.bench.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main())
