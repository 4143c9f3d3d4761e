"""IBuilderConfig: how to build."""

from __future__ import annotations

from typing import ClassVar

from burnish.errors import UnsupportedError
from burnish.tensorrt.base import Scoped
from burnish.tensorrt.calibrators import IInt8Calibrator
from burnish.tensorrt.enums import (
    BuilderFlag,
    DeviceType,
    EngineCapability,
    HardwareCompatibilityLevel,
    MemoryPoolType,
    PreviewFeature,
    ProfilingVerbosity,
    QuantizationFlag,
    RuntimePlatform,
    TacticSource,
)
from burnish.tensorrt.profile import IOptimizationProfile
from burnish.tensorrt.progress import IProgressMonitor
from burnish.tensorrt.timing_cache import ITimingCache

_REFUSED_FLAGS = {
    BuilderFlag.FP8: "there are no kernels for it: use INT8 or BF16",
    BuilderFlag.INT4: "there are no kernels for it: use INT8 or BF16",
    BuilderFlag.SAFETY_SCOPE: "engines are not restricted to a safe subset",
    BuilderFlag.VERSION_COMPATIBLE: "engines run with the version that built them: keep the model and build again",
    BuilderFlag.EXCLUDE_LEAN_RUNTIME: "engines never contain a runtime",
    BuilderFlag.STRIP_PLAN: "engines contain their weights",
    BuilderFlag.WEIGHT_STREAMING: "weights stay in memory",
    BuilderFlag.ERROR_ON_TIMING_CACHE_MISS: "the cache is completed while building",
}
_NO_DLA = "there is no DLA: layers run on the GPU, or on the CPU"


class IBuilderConfig(Scoped):
    """Made by Builder.create_builder_config()."""

    _absent: ClassVar = {
        **dict.fromkeys(("DLA_core", "num_DLA_cores"), _NO_DLA),
        "algorithm_selector": "kernels are chosen by measured time; set_timing_cache() makes the choice repeatable",
        "add_pass": "passes are listed by `burnish build --help`",
        "plugins_to_serialize": "there are no plugins",
    }
    builder_optimization_level: int = 3
    """0 (no tuning, no fusion) to 5 (every candidate timed long)."""
    profiling_verbosity: ProfilingVerbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
    """Inspectors tell all whatever is chosen here."""
    int8_calibrator: IInt8Calibrator | None = None
    progress_monitor: IProgressMonitor | None = None
    accuracy_drop: float | None = None
    """Burnish's own: the most accuracy that an INT8 build with a calibrator may lose against FP32 (0.01: one percent);
    layers are raised until it holds. None: any loss is accepted, as by TensorRT."""
    target: str | None = None
    """Burnish's own: what to build for, as burnish.build() takes it ("cuda:1", "sm_90", "cpu"). None: $BURNISH_TARGET, else
    the current GPU, else the CPU."""
    engine_capability: EngineCapability = EngineCapability.STANDARD
    avg_timing_iterations: int = 1
    min_timing_iterations: int = 1
    max_aux_streams: int = 0
    profile_stream: int = 0
    tiling_optimization_level: int = 0
    l2_limit_for_tiling: int = -1

    def __init__(self) -> None:
        self._flags = 1 << int(BuilderFlag.TF32)
        self._quantization_flags = 0
        self._preview_features: set[PreviewFeature] = set()
        self._limits = {pool: 0 for pool in MemoryPoolType}
        self._limits[MemoryPoolType.WORKSPACE] = 1 << 30
        self._profiles: list[IOptimizationProfile] = []
        self._calibration_profile: IOptimizationProfile | None = None
        self._timing_cache: ITimingCache | None = None
        self._tactic_sources = (1 << len(TacticSource)) - 1

    # --- flags --------------------------------------------------------------------------------------------------------
    def set_flag(self, flag: BuilderFlag) -> None:
        flag = BuilderFlag(flag)
        if flag in _REFUSED_FLAGS:
            raise UnsupportedError(f"{flag} is not there: {_REFUSED_FLAGS[flag]}")
        self._flags |= 1 << int(flag)

    def clear_flag(self, flag: BuilderFlag) -> None:
        self._flags &= ~(1 << int(flag))

    def get_flag(self, flag: BuilderFlag) -> bool:
        return bool(self._flags >> int(flag) & 1)

    @property
    def flags(self) -> int:
        return self._flags

    @flags.setter
    def flags(self, flags: int) -> None:
        self._flags = 0
        for flag in BuilderFlag:
            if flags >> int(flag) & 1:
                self.set_flag(flag)

    def set_quantization_flag(self, flag: QuantizationFlag) -> None:
        """CALIBRATE_BEFORE_FUSION would choose other ranges and is refused."""
        raise UnsupportedError(f"{QuantizationFlag(flag)} is not there: ranges are those of the layers that are executed")

    def clear_quantization_flag(self, flag: QuantizationFlag) -> None:
        self._quantization_flags &= ~(1 << int(flag))

    def get_quantization_flag(self, flag: QuantizationFlag) -> bool:
        return bool(self._quantization_flags >> int(flag) & 1)

    def set_preview_feature(self, feature: PreviewFeature, enable: bool) -> None:
        """Remembered; none changes anything here."""
        (self._preview_features.add if enable else self._preview_features.discard)(PreviewFeature(feature))

    def get_preview_feature(self, feature: PreviewFeature) -> bool:
        return feature in self._preview_features

    # --- memory -------------------------------------------------------------------------------------------------------
    @property
    def max_workspace_size(self) -> int:
        return self._limits[MemoryPoolType.WORKSPACE]

    @max_workspace_size.setter
    def max_workspace_size(self, num_bytes: int) -> None:
        self.set_memory_pool_limit(MemoryPoolType.WORKSPACE, num_bytes)

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        """Remembered: kernels use no workspace beyond the planned arena."""
        if MemoryPoolType(pool).name.startswith("DLA"):
            raise UnsupportedError(f"{MemoryPoolType(pool)} cannot be limited: {_NO_DLA}")
        self._limits[MemoryPoolType(pool)] = int(pool_size)

    def get_memory_pool_limit(self, pool: MemoryPoolType) -> int:
        return self._limits[MemoryPoolType(pool)]

    # --- profiles -----------------------------------------------------------------------------------------------------
    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        """The profile's index."""
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._profiles)

    def set_calibration_profile(self, profile: IOptimizationProfile) -> bool:
        """Its typical shapes are those of calibration batches."""
        self._calibration_profile = profile
        return True

    def get_calibration_profile(self) -> IOptimizationProfile | None:
        return self._calibration_profile

    # --- timing cache -------------------------------------------------------------------------------------------------
    def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache:
        return ITimingCache(bytes(serialized_timing_cache))

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool = False) -> bool:
        """The build reads and completes the cache. Times of other machines are kept and not used."""
        self._timing_cache = cache
        return True

    def get_timing_cache(self) -> ITimingCache | None:
        return self._timing_cache

    # --- what has one value only --------------------------------------------------------------------------------------
    @property
    def default_device_type(self) -> DeviceType:
        """DeviceType.GPU stands for what executes, which is the CPU where `target` says so."""
        return DeviceType.GPU

    @default_device_type.setter
    def default_device_type(self, device: DeviceType) -> None:
        if device != DeviceType.GPU:
            raise UnsupportedError(f"{DeviceType(device)} is not there: {_NO_DLA}")

    @property
    def hardware_compatibility_level(self) -> HardwareCompatibilityLevel:
        return HardwareCompatibilityLevel.NONE

    @hardware_compatibility_level.setter
    def hardware_compatibility_level(self, level: HardwareCompatibilityLevel) -> None:
        if level != HardwareCompatibilityLevel.NONE:
            raise UnsupportedError(f"{HardwareCompatibilityLevel(level)} is not there: engines run on machines with the "
                                   "instruction set that they were built on, and later ones")

    @property
    def runtime_platform(self) -> RuntimePlatform:
        return RuntimePlatform.SAME_AS_BUILD

    @runtime_platform.setter
    def runtime_platform(self, platform: RuntimePlatform) -> None:
        if platform != RuntimePlatform.SAME_AS_BUILD:
            raise UnsupportedError(f"{RuntimePlatform(platform)} is not there: build where the engine will run")

    def set_tactic_sources(self, tactic_sources: int) -> bool:
        """Remembered: these are libraries of GPUs."""
        self._tactic_sources = int(tactic_sources)
        return True

    def get_tactic_sources(self) -> int:
        return self._tactic_sources

    def set_device_type(self, layer: object, device_type: DeviceType) -> None:
        self.default_device_type = device_type

    def get_device_type(self, layer: object) -> DeviceType:
        return DeviceType.GPU

    def is_device_type_set(self, layer: object) -> bool:
        return False

    def can_run_on_DLA(self, layer: object) -> bool:
        return False

    def reset(self) -> None:
        """All as it was when the configuration was made."""
        self.__dict__.clear()
        self.__dict__.update(IBuilderConfig().__dict__)
