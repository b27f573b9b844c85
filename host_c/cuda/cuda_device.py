"""A GPU of this machine, through the driver's bindings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from host_c.cuda.nvrtc import checked, compile_kernels
from host_c.cuda.source import WARPS

__all__ = ["CudaDevice"]


class CudaDevice:
    """The first GPU, with the kernels compiled for it.

    Raises ImportError if `cuda-bindings` is not installed, and RuntimeError, saying what, if there is no driver, GPU or
    NVRTC, or a compute capability below 8.0: from there on, a warp finds a maximum in one instruction.
    """

    def __init__(self, warps: int = WARPS) -> None:
        from cuda.bindings import driver

        self._driver = driver
        self._call("cuInit", 0)
        if not self._call("cuDeviceGetCount"):
            raise RuntimeError("there is no GPU")
        device = self._call("cuDeviceGet", 0)
        attribute = driver.CUdevice_attribute
        major, minor, self.processors = (
            int(self._call("cuDeviceGetAttribute", which, device))
            for which in (
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
                attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
            )
        )
        self.name = bytes(self._call("cuDeviceGetName", 256, device)).split(b"\0")[0].decode()
        if major < 8:
            raise RuntimeError(f"GPU must have compute capability 8.0 or more, not {major}.{minor} ({self.name})")
        self.architecture, self.warps = f"sm_{major}{minor}", warps
        self._call("cuCtxSetCurrent", self._call("cuDevicePrimaryCtxRetain", device))
        self._code = compile_kernels(self.architecture, warps)
        self._module = self._call("cuModuleLoadData", self._code)
        self._kernels: dict[str, Any] = {}

    def _call(self, name: str, *arguments: Any) -> Any:
        return checked(getattr(self._driver, name)(*arguments), name)

    def allocate(self, size: int) -> int:
        """Return the address of ``size`` new bytes, zeroed; RuntimeError if the GPU does not have them."""
        address = self._call("cuMemAlloc", size)
        self._call("cuMemsetD8", address, 0, size)
        return int(address)

    def release(self, address: int) -> None:
        """Give memory back."""
        self._call("cuMemFree", address)

    def upload(self, address: int, array: npt.NDArray[Any]) -> None:
        """Copy a contiguous array to the GPU."""
        self._call("cuMemcpyHtoD", address, array.ctypes.data, array.nbytes)

    def download(self, array: npt.NDArray[Any], address: int) -> None:
        """Fill a contiguous array from the GPU, after all that was launched."""
        self._call("cuMemcpyDtoH", array.ctypes.data, address, array.nbytes)

    def launch(self, kernel: str, blocks: int, threads: int, job: npt.NDArray[np.void]) -> None:
        """Launch a kernel, which has its own copy of the job."""
        if kernel not in self._kernels:
            self._kernels[kernel] = self._call("cuModuleGetFunction", self._module, kernel.encode())
        arguments = np.array([job.ctypes.data], dtype=np.uint64)
        launch, null = self._driver.cuLaunchKernel, 0
        checked(
            launch(self._kernels[kernel], blocks, 1, 1, threads, 1, 1, 0, null, arguments.ctypes.data, null), kernel
        )
