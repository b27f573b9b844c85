"""``python -m talos_ref``: see ``talos_ref.cli``."""

from talos_ref.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main())
