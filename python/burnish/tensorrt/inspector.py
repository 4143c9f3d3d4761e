"""EngineInspector: what an engine does, layer by layer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from burnish.errors import InvalidArgumentError
from burnish.tensorrt.base import Scoped
from burnish.tensorrt.enums import LayerInformationFormat

if TYPE_CHECKING:
    from burnish.tensorrt.context import IExecutionContext
    from burnish.tensorrt.engine import ICudaEngine


class EngineInspector(Scoped):
    """Made by ICudaEngine.create_engine_inspector(). Tells of the first profile, or of execution_context's."""

    _absent: ClassVar = {"error_recorder": "messages go to the logger"}
    execution_context: IExecutionContext | None = None

    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine

    def get_layer_information(self, layer_index: int, format: LayerInformationFormat) -> str:
        layers = self._layers()
        if not 0 <= layer_index < len(layers):
            raise InvalidArgumentError(f"the engine has {len(layers)} layers, not a layer {layer_index}")
        return _text(layers[layer_index], format)

    def get_engine_information(self, format: LayerInformationFormat) -> str:
        layers = self._layers()
        if format == LayerInformationFormat.ONELINE:
            return "\n".join(_text(layer, format) for layer in layers)
        return json.dumps({"Layers": layers, "Bindings": list(self._engine)}, indent=2)

    def _layers(self) -> list[dict[str, Any]]:
        context = self.execution_context
        profile = 0 if context is None else context.active_optimization_profile
        location = "Device" if self._engine._is_on_gpu else "Host"
        return [_layer(step, location) for step in self._engine._engine.steps(profile)]


def _layer(step: dict[str, Any], location: str) -> dict[str, Any]:
    return {
        "Name": step["name"],
        "LayerType": step["op"],
        "Inputs": [_tensor(value, location) for value in step["inputs"]],
        "Outputs": [_tensor(value, location) for value in step["outputs"]],
        "ParameterType": step["attributes"],
        "TacticName": step["tactic"],
        "TacticValue": step["config"],
        "PredictedMicroseconds": step["predicted_us"],
    }


def _tensor(value: dict[str, Any], location: str) -> dict[str, Any]:
    return {"Name": value["name"], "Location": location, "Dimensions": value["shape"], "Format/Datatype": value["dtype"]}


def _text(layer: dict[str, Any], format: LayerInformationFormat) -> str:
    if format == LayerInformationFormat.JSON:
        return json.dumps(layer, indent=2)
    names = [", ".join(value["Name"] for value in layer[side]) for side in ("Inputs", "Outputs")]
    return f"{layer['Name']} ({layer['LayerType']}, {layer['TacticName']}): {names[0]} -> {names[1]}"
