"""One build: what is given to the native half, and what travels with an engine that can be refitted."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from burnish import _core
from burnish.errors import UnsupportedError
from burnish.tensorrt.calibrators import IInt8Calibrator, read_cache, samples
from burnish.tensorrt.network import INetworkDefinition
from burnish.tensorrt.onnx_model import OnnxModel
from burnish.tensorrt.profile import IOptimizationProfile
from burnish.tensorrt.timing_cache import ITimingCache
from burnish.tensorrt.weights import Array

_PLAN, _MODEL = "refit.plan", "refit.model"
Roles = dict[str, dict[str, str]]
Ranges = dict[str, tuple[list[int], list[int], list[int]]]


def default_target() -> str:
    """Where scripts run that do not say it: $BURNISH_TARGET, else the current GPU, else the CPU."""
    return os.environ.get("BURNISH_TARGET") or (f"cuda:{_core.current_gpu()}" if _core.num_gpus() else "cpu")


def is_for_gpu(target: str) -> bool:
    return any(part != "cpu" for part in target.split(","))


@dataclass
class BuildPlan:
    """Options that a later build repeats."""

    profiles: list[Ranges] = field(default_factory=list)
    threads: int = 0
    opt_level: int = 3
    fp16: bool = False
    bf16: bool = False
    target: str = "cpu"
    tf32: bool = False

    def options(self) -> dict[str, Any]:
        return asdict(self)


@contextmanager
def timing_file(cache: ITimingCache | None) -> Iterator[str]:
    """The cache as a file; what a build adds to it comes back. "" for no cache."""
    if cache is None:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="burnish-") as folder:
        path = Path(folder, "timing.cache")
        path.write_bytes(cache._content)
        yield str(path)
        if path.exists():
            cache._content = path.read_bytes()


@dataclass
class Calibration:
    """Where ranges come from."""

    calibrator: IInt8Calibrator
    network: INetworkDefinition
    profile: IOptimizationProfile | None
    accuracy_drop: float | None

    def build(self, build: Callable[..., _core.BuiltEngine]) -> _core.BuiltEngine:
        """Builds with the calibrator's cache, or with its samples; then it is given the cache."""
        known = read_cache(self.calibrator)
        drop = -1.0 if self.accuracy_drop is None else self.accuracy_drop
        with tempfile.TemporaryDirectory(prefix="burnish-") as folder:
            path = Path(folder, "calibration.cache")
            if known:
                path.write_bytes(known)
            given = None if known else samples(self.calibrator, self.network, self.profile)
            built = build(int8=True, samples=given, calibrator=self.calibrator._calibrator, accuracy_drop=drop,
                          calibration_cache=str(path))
            if not known and path.exists():
                self.calibrator.write_calibration_cache(path.read_bytes())
            return built


def attach_refit(built: _core.BuiltEngine, model: OnnxModel, roles: Roles, plan: BuildPlan,
                 cache: ITimingCache) -> None:
    """Lets the engine carry what a refit needs. Raises UnsupportedError where weights lie in other files."""
    external = [i.name for i in model.initializers.values() if i.is_external]
    if external:
        raise UnsupportedError(f"the weights '{external[0]}' lie in another file: an engine that can be refitted needs "
                               "a model that holds all its weights")
    facts = {"plan": plan.options(), "roles": roles, "timing": cache._content.decode("utf-8", "replace")}
    _core.attach(built, _PLAN, json.dumps(facts).encode())
    _core.attach(built, _MODEL, model.data)


class Refit:
    """What an engine carries for refitting it."""

    def __init__(self, engine: _core.Engine) -> None:
        plan, model = _core.attachment(engine, _PLAN), _core.attachment(engine, _MODEL)
        if plan is None or model is None:
            raise UnsupportedError("the engine was not built with BuilderFlag.REFIT")
        facts = json.loads(plan)
        self.plan = BuildPlan(**facts["plan"])
        self.timing = ITimingCache(facts["timing"].encode())
        self.model = OnnxModel(model)
        self.made: Roles = facts["roles"]
        self.roles = {**_roles_of(self.model, self.made), **self.made}

    def build(self, weights: dict[str, Array], log: Callable[[str, str], None]) -> _core.BuiltEngine:
        """The same engine with other weights. Its kernels are those that were measured."""
        model = self.model.with_weights(weights)
        with timing_file(self.timing) as path:
            built = _core.build(model.data, timing_cache=path, log=log, **self.plan.options())
        attach_refit(built, model, self.made, self.plan, self.timing)
        return built


def _roles_of(model: OnnxModel, made: Roles) -> Roles:
    """Of imported layers: kernels and biases by their node, other weights as constants by their own name."""
    taken = {name for by_role in made.values() for name in by_role.values()}
    roles: Roles = {}
    for index, node in enumerate(model.nodes):
        if node.op not in ("Conv", "ConvTranspose", "Gemm"):
            continue
        for role, name in zip(("KERNEL", "BIAS"), node.inputs[1:]):
            if name in model.initializers and name not in taken:
                roles.setdefault(node.name or f"{node.op}_{index}", {})[role] = name
                taken.add(name)
    for name in model.initializers:
        if name not in taken:
            roles.setdefault(name, {})["CONSTANT"] = name
    return roles
