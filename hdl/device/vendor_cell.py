"""A cell that a vendor's tool brings: what it looks like from outside, and a black box of it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["VendorCell"]


@dataclass(frozen=True, kw_only=True)
class VendorCell:
    """Ports (name -> width, as a Verilog expression) and parameters (name -> default) that are used of a cell."""

    name: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)

    def black_box(self, *, driven: bool = False) -> str:
        """Return a Verilog module without contents; ``driven`` makes its outputs 0, for tools that want a driver."""
        parameters = ", ".join(f"parameter {name} = {default}" for name, default in self.parameters.items())
        ports = [f"input wire {_range(width)}{name}" for name, width in self.inputs.items()]
        ports += [f"output wire {_range(width)}{name}" for name, width in self.outputs.items()]
        head = f"module {self.name}" + (f" #({parameters})" if parameters else "")
        drivers = [f"    assign {name} = {{({width}){{1'b0}}}};\n" for name, width in self.outputs.items() if driven]
        return f"(* blackbox *)\n{head} (\n    " + ",\n    ".join(ports) + f"\n);\n{''.join(drivers)}endmodule\n"


def _range(width: str) -> str:
    return "" if width == "1" else f"[{width} - 1:0] "
