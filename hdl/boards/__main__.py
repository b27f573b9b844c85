"""``python -m hdl.boards``: see `hdl.boards.cli`."""

import sys

from hdl.boards.cli import main

if __name__ == "__main__":
    sys.exit(main())
