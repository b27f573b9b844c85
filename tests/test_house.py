"""The house: which room may import which, no import circle, and a test beside every kind of source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("talos_ref", "hdl", "cosim", "host_c")

MAY_IMPORT = {
    "talos_ref": {"talos_ref"},
    "hdl": {"hdl", "talos_ref"},
    "host_c": {"host_c", "talos_ref", "hdl", "cosim"},
    "cosim": {"cosim", "hdl", "talos_ref", "host_c"},
}
"""Package -> packages that it may import. Only the comparison of `host_c.bench` reads figures of cores."""

BOARDS_FOR = ("hdl/boards/", "hdl/board.py", "cosim/host/", "cosim/names/")
"""Who may import boards: the accelerator never does."""

SIMULATORS = ("cosim.engine", "cosim.core", "cosim.evidence", "cosim.registers", "cocotb")
SIMULATES = ("cosim/host/simulation", "cosim/host/board/", "cosim/host/simulated")
"""Files of the host that may import what simulates; the others serve a person with a board."""


def sources() -> dict[str, Path]:
    """Return module name -> file, of the product."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
            for path in files}  # fmt: skip


SOURCES = sources()


def imports(path: Path, *, late: bool) -> Iterator[str]:
    """Yield the modules that a file imports, with ``late`` those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not late and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            for name in node.names:
                module = f"{node.module}.{name.name}"
                yield module if module in SOURCES else node.module


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_what_it_may(package: str) -> None:
    wrong = [
        f"{name} imports {module}"
        for name, path in SOURCES.items()
        if name.split(".")[0] == package
        for module in imports(path, late=True)
        if module.split(".")[0] in PACKAGES and module.split(".")[0] not in MAY_IMPORT[package]
    ]
    assert not wrong, wrong


def test_the_accelerator_does_not_import_boards() -> None:
    wrong = [
        f"{name} imports {module}"
        for name, path in SOURCES.items()
        if not path.relative_to(ROOT).as_posix().startswith(BOARDS_FOR)
        for module in imports(path, late=False)
        if module.startswith("hdl.boards")
    ]
    assert not wrong, wrong


def test_the_host_imports_no_simulator() -> None:
    wrong = [
        f"{name} imports {module}"
        for name, path in SOURCES.items()
        if name.startswith("cosim.host") and not path.relative_to(ROOT).as_posix().startswith(SIMULATES)
        for module in imports(path, late=False)
        if module.startswith(SIMULATORS)
    ]
    assert not wrong, wrong


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: {m for m in imports(path, late=False) if m in SOURCES} - {name} for name, path in SOURCES.items()}
    assert sum(map(len, graph.values())) > 500
    assert circle(graph) is None


def circle(graph: dict[str, set[str]]) -> list[str] | None:
    """Return modules that import one another in a circle, the first that is found."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for other in sorted(graph[name]):
            if found := visit(other, [*path, name]):
                return found
        done.add(name)
        return None

    return next((found for name in sorted(graph) if (found := visit(name, []))), None)


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_no_switch_over_variants() -> None:
    """What differs between the variants of an arithmetic is theirs: nobody asks which one it is.

    The C kernels are written for one composition each, so that their generator refuses another.
    """
    variants = {
        "StepExp", "WrappingExp", "Exp2", "RootRmsNorm", "TableRmsNorm", "TruncatingDivide", "ReciprocalDivide",
        "StepAttention", "Exp2Attention", "BucketSampler", "Exp2Sampler",
    }  # fmt: skip
    wrong = []
    for name, path in SOURCES.items():
        if name == "host_c.generate":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                named = {leaf.id for leaf in ast.walk(node.args[1]) if isinstance(leaf, ast.Name)}
                named |= {leaf.attr for leaf in ast.walk(node.args[1]) if isinstance(leaf, ast.Attribute)}
                wrong += [f"{name}:{node.lineno} asks for {variant}" for variant in sorted(named & variants)]
    assert not wrong, wrong


def test_every_signal_is_named() -> None:
    """Amaranth reads the names of others from bytecode, so that their Verilog depends on the version of Python."""
    wrong = []
    for name, path in SOURCES.items():
        if name.startswith("hdl."):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (remedy := unnamed(node)):
                    wrong.append(f"{name}:{node.lineno} {ast.unparse(node)}: {remedy}")
    assert not wrong, wrong


def unnamed(call: ast.Call) -> str:
    """Return how to name what a call makes; empty where it is named, or has no name."""
    function = ast.unparse(call.func)
    if function in ("Signal", "Signal.like") and not any(keyword.arg == "name" for keyword in call.keywords):
        return "give it name=…"
    if function == "ClockDomain" and not call.args:
        return "give it a name"
    if function.endswith((".read_port", ".write_port")):
        return "use hdl.units.memory_ports"
    return ""


def test_an_unnamed_signal_is_found() -> None:
    lines = {
        "x = Signal(8)": "give it name=…",
        "y = Signal.like(x)": "give it name=…",
        "d = ClockDomain()": "give it a name",
        "r = memory.read_port()": "use hdl.units.memory_ports",
        "x = Signal(8, name='x')": "",
        "r = read_port(m)": "",
    }
    for line, remedy in lines.items():
        statement = ast.parse(line).body[0]
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.value, ast.Call)
        assert unnamed(statement.value) == remedy, line
