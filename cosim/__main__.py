"""``python -m cosim``: see `cosim.cli`."""

import sys

from cosim.cli import main

if __name__ == "__main__":
    sys.exit(main())
