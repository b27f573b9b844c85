"""The extension that host_c.build makes; cffi gives it no types."""

from typing import Any

ffi: Any
lib: Any
