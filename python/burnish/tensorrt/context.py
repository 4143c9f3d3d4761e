"""IExecutionContext: executions on memory of the caller."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Union

import numpy as np

from burnish import _core
from burnish.errors import Error, InvalidArgumentError
from burnish.tensorrt.base import Scoped, Dims, DimsLike
from burnish.tensorrt.enums import ProfilingVerbosity
from burnish.tensorrt.logger import ILogger
from burnish.tensorrt.observers import IOutputAllocator, IProfiler

if TYPE_CHECKING:
    from burnish.tensorrt.engine import ICudaEngine

Memory = Union[int, "np.ndarray[Any, Any]"]
_EXPLICIT = "networks have an explicit batch dimension: use execute_v2()"
_NO_EVENTS = "inputs are read until the stream has got so far"


class IExecutionContext(Scoped):
    """Addresses are those of dense, row-major memory of the tensor's shape: the host's or, with engines for GPUs, also the
    GPU's. NumPy arrays may stand for them.

    Methods return False after the logger was told why. On the CPU, executions are over when the call returns.
    """

    _absent: ClassVar = {
        **dict.fromkeys(("execute", "execute_async"), _EXPLICIT),
        **dict.fromkeys(("set_input_consumed_event", "get_input_consumed_event"), _NO_EVENTS),
        "device_memory": "contexts allocate their memory themselves",
        "set_device_memory": "contexts allocate their memory themselves",
        "temporary_allocator": "memory comes from the system's allocator",
        "error_recorder": "messages go to the logger",
        "set_aux_streams": "executions use threads, not streams",
        "set_debug_listener": "compare values with `burnish compare --per-layer`",
    }
    name: str = ""
    debug_sync: bool = False
    enqueue_emits_profile: bool = True
    nvtx_verbosity: ProfilingVerbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
    persistent_cache_limit: int = 0
    profiler: IProfiler | None = None

    def __init__(self, engine: ICudaEngine, threads: int) -> None:
        self._owner = engine
        self._threads = threads
        self._profile = 0
        self._native: _core.Context | None = None
        self._made_for = 0  # which replacement of the engine the native context belongs to
        self._is_prepared = False
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._memory: dict[str, Memory] = {}
        self._allocators: dict[str, IOutputAllocator] = {}

    @property
    def engine(self) -> ICudaEngine:
        return self._owner

    # --- shapes -------------------------------------------------------------------------------------------------------
    def set_input_shape(self, name: str, shape: DimsLike) -> bool:
        dims = tuple(int(d) for d in shape)
        try:
            self._check_profile(name, dims)
            self._context().set_input_shape(name, list(dims))
        except Error as problem:
            return self._fail(str(problem))
        if self._shapes.get(name) != dims:
            self._shapes[name] = dims
            self._is_prepared = False
        return True

    def set_binding_shape(self, binding: int, shape: DimsLike) -> bool:
        return self.set_input_shape(self._owner._binding(binding), shape)

    def get_tensor_shape(self, name: str) -> Dims:
        """As far as it follows from the shapes of the inputs; -1 elsewhere."""
        if name in self._shapes:
            return Dims(self._shapes[name])
        declared = self._owner.get_tensor_shape(name)
        if name in self._owner._inputs or self.infer_shapes():
            return declared
        context = self._context()
        return declared if context.depends_on_data(name) else Dims(context.output_shape(name))

    def get_binding_shape(self, binding: int) -> Dims:
        return self.get_tensor_shape(self._owner._binding(binding))

    def get_tensor_strides(self, name: str) -> Dims:
        """In elements."""
        shape = list(self.get_tensor_shape(name))
        return Dims(int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape)))

    def get_strides(self, binding: int) -> Dims:
        return self.get_tensor_strides(self._owner._binding(binding))

    def infer_shapes(self) -> list[str]:
        """Inputs whose shapes are missing; without any, shapes of outputs are known afterwards."""
        context = self._context()
        missing = [n for n, i in self._owner._inputs.items() if n not in self._shapes and min(i.shape, default=0) < 0]
        if not missing and not self._is_prepared:
            context.prepare()
            self._is_prepared = True
        return missing

    @property
    def all_binding_shapes_specified(self) -> bool:
        return all(n in self._shapes or min(i.shape, default=0) >= 0 for n, i in self._owner._inputs.items())

    @property
    def all_shape_inputs_specified(self) -> bool:
        return True

    def get_max_output_size(self, name: str) -> int:
        """Bytes of an output for the current shapes; 0 where its shape depends on data."""
        if self.infer_shapes() or self._context().depends_on_data(name):
            return 0
        return int(self._context().output_bytes(name))

    def update_device_memory_size_for_shapes(self) -> int:
        self.infer_shapes()
        return self._arena_bytes()

    # --- profiles -----------------------------------------------------------------------------------------------------
    @property
    def active_optimization_profile(self) -> int:
        return self._profile

    @active_optimization_profile.setter
    def active_optimization_profile(self, index: int) -> None:
        self.set_optimization_profile_async(index, 0)

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        """Shapes must then lie within this profile, and have to be set anew."""
        count = self._owner.num_optimization_profiles
        if not 0 <= profile_index < count:
            return self._fail(f"the engine has {count} optimization profiles, not a profile {profile_index}")
        if profile_index != self._profile:
            self._shapes = {}
            self._is_prepared = False
        self._profile = int(profile_index)
        return True

    # --- memory -------------------------------------------------------------------------------------------------------
    def set_tensor_address(self, name: str, memory: Memory) -> bool:
        if name not in self._owner._infos:
            return self._fail(f"the engine has no tensor '{name}'; it has {', '.join(self._owner._names)}")
        self._memory[name] = memory if isinstance(memory, np.ndarray) else int(memory)
        return True

    def set_input_address(self, name: str, memory: Memory) -> bool:
        return self.set_tensor_address(name, memory)

    def set_output_address(self, name: str, memory: Memory) -> bool:
        return self.set_tensor_address(name, memory)

    def get_tensor_address(self, name: str) -> int:
        self._owner._info(name)
        return _address(self._memory.get(name, 0))

    def get_output_tensor_address(self, name: str) -> int:
        return self.get_tensor_address(name)

    def set_output_allocator(self, name: str, output_allocator: IOutputAllocator) -> bool:
        if self._owner.get_tensor_mode(name).name != "OUTPUT":
            return self._fail(f"the engine has no output '{name}'")
        self._allocators[name] = output_allocator
        return True

    def get_output_allocator(self, name: str) -> IOutputAllocator | None:
        return self._allocators.get(name)

    # --- executions ---------------------------------------------------------------------------------------------------
    def execute_v2(self, bindings: Sequence[Memory]) -> bool:
        """bindings: an address for every binding; those of other profiles than the active one are ignored. On a GPU behind
        what the default stream holds; returns when the outputs are there."""
        return self._execute(self._by_name(bindings), 0, waits=True)

    def execute_async_v2(self, bindings: Sequence[Memory], stream_handle: int, input_consumed: object = None) -> bool:
        """On a GPU: on this CUDA stream. The memory must stay until the stream has got so far."""
        return self._execute(self._by_name(bindings), stream_handle)

    def execute_async_v3(self, stream_handle: int) -> bool:
        """The same on the addresses of set_tensor_address()."""
        return self._execute(self._memory, stream_handle)

    def report_to_profiler(self) -> bool:
        """Profilers are told in every execution."""
        return self.profiler is not None

    # ------------------------------------------------------------------------------------------------------------------
    def _by_name(self, bindings: Sequence[Memory]) -> dict[str, Memory]:
        names = self._owner._names
        if len(bindings) == self._owner.num_bindings:
            first = self._profile * len(names)
            bindings = bindings[first : first + len(names)]
        if len(bindings) != len(names):
            raise InvalidArgumentError(f"{len(bindings)} addresses are given, the engine has {len(names)} tensors: "
                                       f"{', '.join(names)}")
        return dict(zip(names, bindings))

    def _execute(self, memory: dict[str, Memory], stream: int, waits: bool = False) -> bool:
        try:
            missing = self.infer_shapes()
            if missing:
                return self._fail(f"the shape of input '{missing[0]}' is not set: use set_input_shape()")
            context = self._context()
            late = [name for name in self._owner._names if not self._bind(context, name, memory)]
            self._run(context, int(stream), waits)
            for name in late:
                self._hand_over(context, name, memory)
        except Error as problem:
            return self._fail(str(problem))
        return True

    def _bind(self, context: _core.Context, name: str, memory: dict[str, Memory]) -> bool:
        """False for outputs that are handed over after the execution."""
        given = memory.get(name, 0)
        if name in self._owner._inputs:
            self._check(name, given, self.get_tensor_shape(name))
            context.set_input(name, _address(given))
            return True
        if context.depends_on_data(name):
            context.set_output(name, 0, 0)
            return False
        shape, num_bytes = context.output_shape(name), context.output_bytes(name)
        if name in self._allocators:
            given = _allocate(self._allocators[name], name, num_bytes, shape)
        self._check(name, given, shape)
        context.set_output(name, _address(given), num_bytes)
        return True

    def _hand_over(self, context: _core.Context, name: str, memory: dict[str, Memory]) -> None:
        """An output whose shape is known only now."""
        shape, num_bytes = context.output_shape(name), context.output_bytes(name)
        given = memory.get(name, 0)
        if name in self._allocators:
            given = _allocate(self._allocators[name], name, num_bytes, shape)
        elif not isinstance(given, np.ndarray):
            raise InvalidArgumentError(f"the shape of output '{name}' depends on data: use set_output_allocator(), or give "
                                       "a NumPy array that is large enough")
        elif given.nbytes < num_bytes or not given.flags.writeable or not given.flags.c_contiguous:
            raise InvalidArgumentError(f"output '{name}' has {num_bytes} bytes this time, the array given {given.nbytes}; it "
                                       "must be large enough, contiguous and writable")
        if num_bytes:
            ctypes.memmove(_address(given), context.output_address(name), num_bytes)

    def _run(self, context: _core.Context, stream: int, waits: bool) -> None:
        if self.profiler is not None:
            context.wait(stream)  # for the inputs: profiles run on a stream of their own
            for step in context.profile(1):
                self.profiler.report_layer_time(step["name"], step["median_us"] / 1000)
        elif self._owner._is_on_gpu:
            context.enqueue(stream)
            if waits:
                context.wait(stream)
        else:
            context.execute()

    def _check(self, name: str, memory: Memory, shape: Sequence[int]) -> None:
        """What can be known of the memory: arrays tell their type and size, addresses nothing but 0."""
        info = self._owner._info(name)
        if not isinstance(memory, np.ndarray):
            if int(memory) == 0 and 0 not in shape:
                raise InvalidArgumentError(f"tensor '{name}' has no address: use set_tensor_address(), or bindings")
            if not self._owner._is_on_gpu and _core.is_device_address(int(memory)):
                raise InvalidArgumentError(f"tensor '{name}' lies in the memory of a GPU, but the engine was built for the "
                                           "CPU: unset BURNISH_TARGET, or set IBuilderConfig.target, and build it again")
            return
        if name not in self._owner._inputs and not memory.flags.writeable:
            raise InvalidArgumentError(f"the array given for output '{name}' is read-only")
        expected = self._owner._num_bytes(name, tuple(shape))
        if memory.dtype != info.dtype or memory.nbytes != expected or not memory.flags.c_contiguous:
            raise InvalidArgumentError(f"tensor '{name}' is {info.dtype} of the shape {tuple(shape)}, {expected} bytes; the "
                                       f"array given is {memory.dtype} of the shape {memory.shape}, {memory.nbytes} bytes"
                                       + ("" if memory.flags.c_contiguous else ", not contiguous"))

    def _check_profile(self, name: str, dims: tuple[int, ...]) -> None:
        low, _, high = self._owner.get_tensor_profile_shape(name, self._profile)
        if len(low) != len(dims) or any(not a <= d <= b for a, d, b in zip(low, dims, high)):
            raise InvalidArgumentError(f"input '{name}' cannot have the shape {dims}: optimization profile {self._profile} "
                                       f"allows {low} to {high}")

    def _context(self) -> _core.Context:
        """The native context; a new one with the same shapes after a refit."""
        if self._native is None or self._made_for != self._owner._num_replacements:
            self._native = _core.Context(self._owner._engine, self._threads)
            self._made_for = self._owner._num_replacements
            self._is_prepared = False
            for name, shape in self._shapes.items():
                self._native.set_input_shape(name, list(shape))
        return self._native

    def _arena_bytes(self) -> int:
        return int(self._context().arena_bytes)

    def _fail(self, message: str) -> bool:
        self._owner._logger.log(ILogger.ERROR, message)
        return False



def _address(memory: Memory) -> int:
    return int(memory.ctypes.data) if isinstance(memory, np.ndarray) else int(memory)


def _allocate(allocator: IOutputAllocator, name: str, num_bytes: int, shape: Sequence[int]) -> int:
    address = int(allocator.reallocate_output(name, 0, num_bytes, 64) or 0)
    allocator.notify_shape(name, Dims(shape))
    return address
