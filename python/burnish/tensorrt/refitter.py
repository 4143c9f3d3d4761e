"""Refitter: other weights for an engine that was built with BuilderFlag.REFIT."""

from __future__ import annotations

import functools
from typing import ClassVar

from burnish import _core
from burnish.errors import Error, InvalidArgumentError
from burnish.tensorrt.base import Scoped
from burnish.tensorrt.build_plan import Refit
from burnish.tensorrt.engine import ICudaEngine
from burnish.tensorrt.layer_enums import WeightsRole
from burnish.tensorrt.logger import ILogger, log_native
from burnish.tensorrt.weights import Array, Weights, WeightsLike, as_array


class Refitter(Scoped):
    """Collects weights; refit_cuda_engine() builds the engine again with them, with the kernels that were measured.

    Contexts of the engine take the new weights with their next call. No execution may run meanwhile.
    """

    _absent: ClassVar = {
        **dict.fromkeys(("set_dynamic_range", "get_dynamic_range", "get_tensors_with_dynamic_range"),
                        "ranges belong to calibrated engines, which cannot be refitted"),
        "error_recorder": "messages go to the logger",
        "refit_cuda_engine_async": "use refit_cuda_engine()",
    }
    weights_validation: bool = True
    max_threads: int = 1

    def __init__(self, engine: ICudaEngine, logger: ILogger) -> None:
        self._engine = engine
        self._logger = logger
        self._refit = Refit(engine._engine)
        self._weights: dict[str, Array] = {}

    @property
    def logger(self) -> ILogger:
        return self._logger

    # --- by layer and role --------------------------------------------------------------------------------------------
    def get_all(self) -> tuple[list[str], list[WeightsRole]]:
        """Layers and roles of all weights: two lists of one length."""
        pairs = [(layer, WeightsRole[role]) for layer, roles in self._refit.roles.items() for role in roles]
        return [layer for layer, _ in pairs], [role for _, role in pairs]

    def set_weights(self, layer_name: str, role: WeightsRole, weights: WeightsLike) -> bool:
        name = self._refit.roles.get(layer_name, {}).get(WeightsRole(role).name)
        if name is None:
            return self._fail(f"the engine has no {WeightsRole(role)} of a layer '{layer_name}': see get_all()")
        return self.set_named_weights(name, weights)

    def get_missing(self) -> tuple[list[str], list[WeightsRole]]:
        """Nothing: weights that are not given stay as they are."""
        return [], []

    # --- by name ------------------------------------------------------------------------------------------------------
    def get_all_weights(self) -> list[str]:
        return list(self._refit.model.initializers)

    def set_named_weights(self, name: str, weights: WeightsLike) -> bool:
        """Of the same number and type as those in the model."""
        known = self._refit.model.initializers
        if name not in known:
            return self._fail(f"the engine has no weights '{name}': see get_all_weights()")
        array = as_array(weights, f"the weights '{name}'")
        expected = known[name].array()
        size, kind = (0, None) if array is None else (array.size, array.dtype)
        if array is None or size != expected.size or kind != expected.dtype:
            return self._fail(f"the weights '{name}' are {expected.size} of {expected.dtype}, those given {size} of {kind}")
        self._weights[name] = array
        return True

    def get_named_weights(self, name: str) -> Weights:
        known = self._refit.model.initializers
        if name not in known:
            raise InvalidArgumentError(f"the engine has no weights '{name}': see get_all_weights()")
        return Weights(self._weights.get(name, known[name].array()))

    def unset_named_weights(self, name: str) -> bool:
        return self._weights.pop(name, None) is not None

    def get_missing_weights(self) -> list[str]:
        return []

    # ------------------------------------------------------------------------------------------------------------------
    def refit_cuda_engine(self) -> bool:
        try:
            built = self._refit.build(self._weights, functools.partial(log_native, self._logger))
            engine = _core.Engine(built)
        except Error as problem:
            return self._fail(str(problem))
        self._engine._replace(engine)
        self._refit = Refit(engine)
        self._weights = {}
        return True

    def _fail(self, message: str) -> bool:
        self._logger.log(ILogger.ERROR, message)
        return False
