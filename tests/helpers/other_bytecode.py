"""Import this first: Amaranth then names signals as in a Python whose bytecode it reads otherwise.

Those of its own platforms keep their names, which nobody outside can give: the reset synchronizer has one.
"""

from __future__ import annotations

import sys
from typing import Any

from amaranth import tracer, vendor

_find = tracer.get_var_name


def _other_name(depth: int = 2, default: Any = None) -> Any:
    if sys._getframe(depth).f_code.co_filename.startswith(vendor.__path__[0]):
        return _find(depth + 1, default)
    return "from_bytecode"


tracer.get_var_name = _other_name
