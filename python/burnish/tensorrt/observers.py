"""Classes that contexts call back: profilers and allocators of outputs."""

from __future__ import annotations

from burnish.tensorrt.base import Dims


class IProfiler:
    """Implement report_layer_time(); give it to IExecutionContext.profiler."""

    def __init__(self) -> None:
        pass

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError("a profiler must implement report_layer_time(layer_name, ms)")


class Profiler(IProfiler):
    """Prints the times."""

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        print(f"{layer_name}: {ms:.4f} ms")


class IOutputAllocator:
    """Gives memory for outputs whose size is known late."""

    def __init__(self) -> None:
        pass

    def reallocate_output(self, tensor_name: str, memory: int, size: int, alignment: int) -> int:
        """The address of so many bytes."""
        raise NotImplementedError("an output allocator must implement reallocate_output()")

    def notify_shape(self, tensor_name: str, shape: Dims) -> None:
        """The output's shape, told in every execution."""
        raise NotImplementedError("an output allocator must implement notify_shape()")
