"""The kernels through NVRTC, which needs no GPU: machine code of one architecture."""

from __future__ import annotations

from typing import Any

from host_c.cuda.source import HEADERS, SOURCE, defines

__all__ = ["OPTIONS", "checked", "compile_kernels"]

STDINT = """#define INT32_MIN (-2147483647 - 1)
#define INT32_MAX 2147483647
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned uint32_t;
typedef unsigned long long uint64_t;
#define _Static_assert static_assert
#define __builtin_clz(x) __clz((int)(x))
#define __builtin_clzll(x) __clzll((long long)(x))
"""
"""What C files of the library ask of a compiler and NVRTC does not have."""
OPTIONS = ("--std=c++17", "--fmad=false", "--device-as-default-execution-space")
"""A product and a sum are fused only where the source says so; functions of the C library are the device's."""


def checked(answer: tuple[Any, ...], what: str) -> Any:
    """Return what a call of NVIDIA's bindings gives beside its status; RuntimeError if that is not 0."""
    status, *rest = answer
    if int(status):
        raise RuntimeError(f"{what}: {status!r}")
    return rest[0] if len(rest) == 1 else tuple(rest)


def compile_kernels(architecture: str, warps: int | None = None) -> bytes:
    """Return a cubin for an architecture such as ``sm_90``.

    Raises ImportError or RuntimeError if `cuda-bindings` or NVRTC is missing, RuntimeError with NVRTC's words if it
    refuses the source.
    """
    from cuda.bindings import nvrtc

    texts = [path.read_bytes() for path in HEADERS] + [STDINT.encode()]
    names = [path.name.encode() for path in HEADERS] + [b"stdint.h"]
    program = checked(
        nvrtc.nvrtcCreateProgram(SOURCE.read_bytes(), SOURCE.name.encode(), len(texts), texts, names), "NVRTC"
    )
    macros = defines() if warps is None else defines(warps)
    options = [option.encode() for option in (f"--gpu-architecture={architecture}", *OPTIONS, *macros)]
    try:
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        if int(status):
            log = b" " * checked(nvrtc.nvrtcGetProgramLogSize(program), "NVRTC")
            checked(nvrtc.nvrtcGetProgramLog(program, log), "NVRTC")
            raise RuntimeError(f"NVRTC refuses {SOURCE.name}: {log.decode(errors='replace')}")
        code: bytes = b" " * checked(nvrtc.nvrtcGetCUBINSize(program), "NVRTC")
        checked(nvrtc.nvrtcGetCUBIN(program, code), "NVRTC")
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return code
