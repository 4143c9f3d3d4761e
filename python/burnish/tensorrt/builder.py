"""Builder: networks into engines."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import ClassVar

from burnish import _core
from burnish.errors import Error, UnsupportedError
from burnish.tensorrt.base import Scoped
from burnish.tensorrt.build_plan import (
    BuildPlan,
    Calibration,
    attach_refit,
    default_target,
    is_for_gpu,
    timing_file,
)
from burnish.tensorrt.config import IBuilderConfig
from burnish.tensorrt.engine import ICudaEngine
from burnish.tensorrt.enums import BuilderFlag, DataType, NetworkDefinitionCreationFlag
from burnish.tensorrt.layer_enums import LayerType
from burnish.tensorrt.logger import ILogger, log_native, wants_verbose
from burnish.tensorrt.network import INetworkDefinition
from burnish.tensorrt.profile import IOptimizationProfile
from burnish.tensorrt.progress import BuildCancelled, ProgressReporter
from burnish.tensorrt.timing_cache import ITimingCache
from burnish.tensorrt.weights import IHostMemory

_LOWERED = (BuilderFlag.FP16, BuilderFlag.BF16, BuilderFlag.INT8)
_OBEY = (BuilderFlag.OBEY_PRECISION_CONSTRAINTS, BuilderFlag.STRICT_TYPES)


@functools.cache
def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":", 1)[1] for line in lines if line.startswith("flags")), "").split())


class Builder(Scoped):
    """Problems of a build go to the logger; the build then returns None. What callbacks raise is not caught."""

    _absent: ClassVar = {
        **dict.fromkeys(("build_cuda_engine", "fp16_mode", "int8_mode", "max_workspace_size", "strict_type_constraints",
                         "int8_calibrator", "refittable"),
                        "it was TensorRT 7's: use create_builder_config() and build_serialized_network()"),
        "error_recorder": "messages go to the logger",
        "gpu_allocator": "memory comes from the system's allocator",
        "get_plugin_registry": "there are no plugins",
    }
    max_batch_size: int = 1
    """Remembered; networks have an explicit batch dimension."""
    max_threads: int = len(os.sched_getaffinity(0))
    """How many threads executions will use: kernels are measured with so many."""
    num_DLA_cores: int = 0
    max_DLA_batch_size: int = 0

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    @property
    def logger(self) -> ILogger:
        return self._logger

    @property
    def platform_has_tf32(self) -> bool:
        """True on GPUs since Ampere."""
        return _core.has_tf32(default_target())

    @property
    def platform_has_fast_fp16(self) -> bool:
        """True on GPUs, and where the processor computes with FP16; elsewhere FP16 saves memory."""
        return is_for_gpu(default_target()) or "avx512_fp16" in _cpu_flags()

    @property
    def platform_has_fast_int8(self) -> bool:
        """False on GPUs, which have no kernels for it yet."""
        return not is_for_gpu(default_target()) and bool(_cpu_flags() & {"avx512_vnni", "avx_vnni", "avx2"})

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        """Flags are bits: 1 << int(NetworkDefinitionCreationFlag.…). The batch dimension is always explicit."""
        return INetworkDefinition(int(flags))

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> IHostMemory | None:
        """The bytes of an engine; None when that failed, after the logger was told why."""
        built = self._build(network, config)
        return None if built is None else IHostMemory(built.serialize())

    def build_engine(self, network: INetworkDefinition, config: IBuilderConfig) -> ICudaEngine | None:
        built = self._build(network, config)
        return None if built is None else ICudaEngine(_core.Engine(built), self._logger)

    def build_engine_with_config(self, network: INetworkDefinition, config: IBuilderConfig) -> ICudaEngine | None:
        return self.build_engine(network, config)

    def is_network_supported(self, network: INetworkDefinition, config: IBuilderConfig) -> bool:
        try:
            model, _ = network._write()
            _core.describe_model(model.data, model.base_directory)
        except Error as problem:
            self._logger.log(ILogger.ERROR, str(problem))
            return False
        return True

    def reset(self) -> None:
        """Nothing is kept between builds."""

    # ------------------------------------------------------------------------------------------------------------------
    def _build(self, network: INetworkDefinition, config: IBuilderConfig) -> _core.BuiltEngine | None:
        self._check_constraints(network, config)
        try:
            calibration = self._calibration(network, config)
            self._check_strongly_typed(network, config)
            return self._build_checked(network, config, calibration)
        except BuildCancelled:
            return None
        except Error as problem:
            self._logger.log(ILogger.ERROR, str(problem))
            return None

    def _build_checked(self, network: INetworkDefinition, config: IBuilderConfig,
                       calibration: Calibration | None) -> _core.BuiltEngine:
        model, roles = network._write()
        plan = self._plan(config)
        cache = self._timing_cache(config)
        progress = None if config.progress_monitor is None else ProgressReporter(config.progress_monitor, self._logger)
        with timing_file(cache) as path:
            build = functools.partial(_core.build, model.data, base_directory=model.base_directory, timing_cache=path,
                                      log=functools.partial(log_native, self._logger), progress=progress,
                                      verbose=wants_verbose(self._logger), **plan.options())
            built = build() if calibration is None else calibration.build(build)
        if progress is not None:
            progress.finish()
        if config.get_flag(BuilderFlag.REFIT):
            attach_refit(built, model, roles, plan, cache or ITimingCache())
        return built

    def _plan(self, config: IBuilderConfig) -> BuildPlan:
        fp16, bf16 = config.get_flag(BuilderFlag.FP16), config.get_flag(BuilderFlag.BF16)
        if fp16 and bf16:
            self._logger.log(ILogger.WARNING, "FP16 and BF16 are both allowed: FP16 is used, which is more exact")
        profiles = [{name: (list(low), list(opt), list(high)) for name, (low, opt, high) in profile._shapes.items()}
                    for profile in config._profiles]
        return BuildPlan(profiles, self.max_threads, config.builder_optimization_level, fp16, bf16 and not fp16,
                         config.target or default_target(), config.get_flag(BuilderFlag.TF32))

    def _timing_cache(self, config: IBuilderConfig) -> ITimingCache | None:
        if config.get_flag(BuilderFlag.DISABLE_TIMING_CACHE):
            return None
        if config._timing_cache is None:
            config._timing_cache = ITimingCache()
        return config._timing_cache

    def _calibration(self, network: INetworkDefinition, config: IBuilderConfig) -> Calibration | None:
        if not config.get_flag(BuilderFlag.INT8):
            return None
        if is_for_gpu(config.target or default_target()):
            self._logger.log(ILogger.WARNING, "GPUs have no kernels for INT8 yet: layers run as without BuilderFlag.INT8, and "
                             "the calibrator is not used. IBuilderConfig.target, or BURNISH_TARGET=cpu, chooses the CPU")
            return None
        brings_scales = any(layer.type in (LayerType.QUANTIZE, LayerType.DEQUANTIZE) for layer in network)
        calibrator = config.int8_calibrator
        if brings_scales:
            if calibrator is not None:
                self._logger.log(ILogger.WARNING, "the calibrator is not used: the network brings its own scales (Q/DQ)")
            return None
        if calibrator is None:
            raise UnsupportedError("BuilderFlag.INT8 needs IBuilderConfig.int8_calibrator, or a network with "
                                   "QuantizeLinear and DequantizeLinear")
        if config.get_flag(BuilderFlag.REFIT):
            raise UnsupportedError("an engine that was calibrated cannot be refitted: ranges follow from the weights. "
                                   "Clear BuilderFlag.REFIT, and build again for new weights")
        profile = config._calibration_profile or (config._profiles[0] if config._profiles else None)
        return Calibration(calibrator, network, profile, config.accuracy_drop)

    def _check_strongly_typed(self, network: INetworkDefinition, config: IBuilderConfig) -> None:
        lowered = [flag for flag in _LOWERED if config.get_flag(flag)]
        if lowered and network.get_flag(NetworkDefinitionCreationFlag.STRONGLY_TYPED):
            raise UnsupportedError(f"the network is strongly typed: {lowered[0]} contradicts that; use add_cast()")

    def _check_constraints(self, network: INetworkDefinition, config: IBuilderConfig) -> None:
        """Precisions of single layers cannot be kept where types are lowered: obeying is refused, not ignored."""
        lowered = any(config.get_flag(flag) for flag in _LOWERED)
        demanding = [layer for layer in network if layer.precision_is_set and
                     (lowered or layer.precision in (DataType.HALF, DataType.BF16, DataType.INT8))]
        if not demanding:
            return
        message = (f"layer '{demanding[0].name}' asks for {demanding[0].precision}: precisions of single layers are not "
                   "there; builds with a calibrator raise layers by themselves until IBuilderConfig.accuracy_drop holds")
        if any(config.get_flag(flag) for flag in _OBEY):
            raise UnsupportedError(message)
        if config.get_flag(BuilderFlag.PREFER_PRECISION_CONSTRAINTS):
            self._logger.log(ILogger.WARNING, message)
