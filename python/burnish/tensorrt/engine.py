"""Runtime and ICudaEngine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import ClassVar, overload

from burnish import _core
from burnish.errors import Error, InvalidArgumentError, UnsupportedError
from burnish.tensorrt.base import Scoped, Dims, volume
from burnish.tensorrt.context import IExecutionContext
from burnish.tensorrt.enums import (
    DataType,
    EngineCapability,
    ExecutionContextAllocationStrategy,
    HardwareCompatibilityLevel,
    ProfilingVerbosity,
    TensorFormat,
    TensorIOMode,
    TensorLocation,
)
from burnish.tensorrt.inspector import EngineInspector
from burnish.tensorrt.logger import ILogger
from burnish.tensorrt.weights import IHostMemory, data_type

_ALL_CORES = len(os.sched_getaffinity(0))
_ONE_MEMORY = "contexts allocate their memory themselves"


class Runtime(Scoped):
    """Loads engines. What cannot be loaded gives None, after the logger was told why."""

    _absent: ClassVar = {
        "error_recorder": "messages go to the logger",
        "gpu_allocator": "memory comes from the system's allocator",
        "load_runtime": "there is one runtime, in this package",
        "get_plugin_registry": "there are no plugins",
    }
    DLA_core: int = -1
    num_DLA_cores: int = 0
    max_threads: int = _ALL_CORES
    """How many threads one execution may use."""
    engine_host_code_allowed: bool = False
    temporary_directory: str = ""

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    @property
    def logger(self) -> ILogger:
        return self._logger

    def deserialize_cuda_engine(self, serialized_engine: bytes | bytearray | memoryview) -> ICudaEngine | None:
        """From the bytes of an engine, such as build_serialized_network() gives; onto the current GPU, if it is for one."""
        try:
            return ICudaEngine(_core.Engine(serialized_engine, device=_core.current_gpu()), self._logger, self.max_threads)
        except Error as problem:
            self._logger.log(ILogger.ERROR, str(problem))
            return None


class ICudaEngine(Scoped):
    """An engine. Inputs come first, then outputs; by name, or by binding index as before TensorRT 8.5."""

    _absent: ClassVar = {
        "execute": "networks have an explicit batch dimension: use IExecutionContext.execute_v2()",
        "weight_streaming_budget": "weights stay in memory",
        "error_recorder": "messages go to the logger",
        "create_serialization_config": "serialize() writes all there is",
        "get_aliased_input_tensor": "inputs and outputs never share memory",
    }
    max_batch_size = 1
    has_implicit_batch_dimension = False
    engine_capability = EngineCapability.STANDARD
    hardware_compatibility_level = HardwareCompatibilityLevel.NONE
    profiling_verbosity = ProfilingVerbosity.DETAILED
    tactic_sources = 0
    num_aux_streams = 0
    streamable_weights_size = 0

    def __init__(self, engine: _core.Engine, logger: ILogger, threads: int = _ALL_CORES) -> None:
        self._logger = logger
        self._threads = threads
        self._num_replacements = 0
        self._replace(engine)

    def _replace(self, engine: _core.Engine) -> None:
        """What a refit built; contexts notice."""
        self._engine = engine
        self._num_replacements += 1
        self._is_on_gpu = (engine.device or "").startswith("cuda")
        self._inputs = {t.name: t for t in engine.inputs}
        self._infos = {**self._inputs, **{t.name: t for t in engine.outputs}}
        self._names = list(self._infos)

    def _info(self, name: str) -> _core.TensorInfo:
        if name not in self._infos:
            raise InvalidArgumentError(f"the engine has no tensor '{name}'; it has {', '.join(self._names)}")
        return self._infos[name]

    # --- the engine ---------------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        return self._engine.metadata.get("model.name", "")

    @property
    def num_layers(self) -> int:
        return len(self._engine.steps())

    @property
    def num_optimization_profiles(self) -> int:
        return self._engine.num_profiles

    @property
    def refittable(self) -> bool:
        return _core.attachment(self._engine, "refit.plan") is not None

    @property
    def device_memory_size(self) -> int:
        """Bytes of a context's arena at the largest shapes of the first profile."""
        shapes = [self.get_tensor_profile_shape(name, 0)[2] for name in self._inputs]
        context = IExecutionContext(self, 1)
        for name, shape in zip(self._inputs, shapes):
            context.set_input_shape(name, shape)
        context.infer_shapes()
        return context._arena_bytes()

    @property
    def device_memory_size_v2(self) -> int:
        return self.device_memory_size

    def get_device_memory_size_for_profile(self, profile_index: int) -> int:
        return self.device_memory_size

    def serialize(self) -> IHostMemory:
        return IHostMemory(self._engine.serialize())

    def create_execution_context(
        self, strategy: ExecutionContextAllocationStrategy = ExecutionContextAllocationStrategy.STATIC
    ) -> IExecutionContext:
        if strategy == ExecutionContextAllocationStrategy.USER_MANAGED:
            raise UnsupportedError(f"{strategy} is not there: {_ONE_MEMORY}")
        return IExecutionContext(self, self._threads)

    def create_execution_context_without_device_memory(self) -> IExecutionContext:
        raise UnsupportedError(f"create_execution_context_without_device_memory: {_ONE_MEMORY}; use "
                               "create_execution_context()")

    def create_engine_inspector(self) -> EngineInspector:
        return EngineInspector(self)

    # --- tensors by name ----------------------------------------------------------------------------------------------
    @property
    def num_io_tensors(self) -> int:
        return len(self._names)

    def get_tensor_name(self, index: int) -> str:
        if not 0 <= index < len(self._names):
            raise InvalidArgumentError(f"the engine has {len(self._names)} tensors, not a tensor {index}")
        return self._names[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        if name not in self._infos:
            return TensorIOMode.NONE
        return TensorIOMode.INPUT if name in self._inputs else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Dims:
        """-1 where a dimension is free within the profiles."""
        return Dims(self._info(name).shape)

    def get_tensor_dtype(self, name: str) -> DataType:
        return data_type(str(self._info(name).dtype), f"tensor '{name}'")

    def get_tensor_location(self, name: str) -> TensorLocation:
        """DEVICE: the memory of what executes, which is the host's on the CPU target."""
        self._info(name)
        return TensorLocation.DEVICE

    def get_tensor_format(self, name: str, profile_index: int = 0) -> TensorFormat:
        self._info(name)
        return TensorFormat.LINEAR

    def get_tensor_format_desc(self, name: str, profile_index: int = 0) -> str:
        return f"Row major linear {self.get_tensor_dtype(name).name} format"

    def get_tensor_bytes_per_component(self, name: str, profile_index: int = 0) -> int:
        return self.get_tensor_dtype(name).itemsize

    def get_tensor_components_per_element(self, name: str, profile_index: int = 0) -> int:
        return 1

    def get_tensor_vectorized_dim(self, name: str, profile_index: int = 0) -> int:
        return -1

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        """[min, opt, max] of an input."""
        if name not in self._inputs:
            raise InvalidArgumentError(f"the engine has no input '{name}'; it has {', '.join(self._inputs)}")
        return [Dims(shape) for shape in self._engine.input_range(name, profile_index)]

    def get_tensor_profile_values(self, name: str, profile_index: int) -> list[list[int]]:
        return []

    def is_shape_inference_io(self, name: str) -> bool:
        self._info(name)
        return False

    def is_debug_tensor(self, name: str) -> bool:
        return False

    # --- bindings by index --------------------------------------------------------------------------------------------
    @property
    def num_bindings(self) -> int:
        """Those of one profile behind those of the other."""
        return len(self._names) * self.num_optimization_profiles

    def _binding(self, binding: int | str) -> str:
        """The tensor of a binding: an index, or a name, of any profile."""
        if isinstance(binding, str):
            name = binding.split(" [profile ")[0]
            self._info(name)
            return name
        if not 0 <= binding < self.num_bindings:
            raise InvalidArgumentError(f"the engine has {self.num_bindings} bindings, not a binding {binding}")
        return self._names[binding % len(self._names)]

    def get_binding_name(self, index: int) -> str:
        name, profile = self._binding(index), index // len(self._names)
        return f"{name} [profile {profile}]" if profile else name

    def get_binding_index(self, name: str) -> int:
        """-1 for a name that is not there."""
        return self._names.index(name) if name in self._infos else -1

    def get_binding_shape(self, binding: int | str) -> Dims:
        return self.get_tensor_shape(self._binding(binding))

    def get_binding_dtype(self, binding: int | str) -> DataType:
        return self.get_tensor_dtype(self._binding(binding))

    def binding_is_input(self, binding: int | str) -> bool:
        return self._binding(binding) in self._inputs

    def get_binding_format(self, index: int) -> TensorFormat:
        return self.get_tensor_format(self._binding(index))

    def get_binding_format_desc(self, index: int) -> str:
        return self.get_tensor_format_desc(self._binding(index))

    def get_binding_bytes_per_component(self, index: int) -> int:
        return self.get_tensor_bytes_per_component(self._binding(index))

    def get_binding_components_per_element(self, index: int) -> int:
        return 1

    def get_binding_vectorized_dim(self, index: int) -> int:
        return -1

    def get_location(self, binding: int | str) -> TensorLocation:
        return self.get_tensor_location(self._binding(binding))

    def is_execution_binding(self, binding: int) -> bool:
        return True

    def is_shape_binding(self, binding: int) -> bool:
        return False

    def get_profile_shape(self, profile_index: int, binding: int | str) -> list[Dims]:
        return self.get_tensor_profile_shape(self._binding(binding), profile_index)

    @overload
    def __getitem__(self, binding: int) -> str: ...
    @overload
    def __getitem__(self, binding: str) -> int: ...
    def __getitem__(self, binding: int | str) -> str | int:
        return self.get_binding_index(binding) if isinstance(binding, str) else self.get_binding_name(binding)

    def __len__(self) -> int:
        return self.num_bindings

    def __iter__(self) -> Iterator[str]:
        return (self.get_binding_name(i) for i in range(self.num_bindings))

    def _num_bytes(self, name: str, shape: tuple[int, ...]) -> int:
        info = self._info(name)
        return volume(shape) * int(info.dtype.itemsize)
