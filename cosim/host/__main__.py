"""``python -m cosim.host``: see `cosim.host.cli`."""

import sys

from cosim.host.cli import main

if __name__ == "__main__":
    sys.exit(main())
