"""OnnxParser: ONNX models into networks."""

from __future__ import annotations

import os
import re
from typing import ClassVar

from burnish import _core
from burnish.errors import Error, FileError
from burnish.tensorrt.base import Scoped
from burnish.tensorrt.enums import ErrorCode, OnnxParserFlag
from burnish.tensorrt.logger import ILogger
from burnish.tensorrt.network import INetworkDefinition
from burnish.tensorrt.onnx_model import OnnxModel

_NODE = re.compile(r"node '(?P<name>[^']*)' \((?P<op>[\w.:]+)")
_CODES = {"unsupported": ErrorCode.UNSUPPORTED_GRAPH, "invalid_model": ErrorCode.INVALID_GRAPH,
          "io": ErrorCode.MODEL_DESERIALIZE_FAILED, "corrupt": ErrorCode.MODEL_DESERIALIZE_FAILED}


class ParserError:
    """One problem of a model."""

    def __init__(self, code: ErrorCode, description: str, node: int, name: str = "", op: str = "") -> None:
        self._code, self._description, self._node, self._name, self._op = code, description, node, name, op

    def code(self) -> ErrorCode:
        return self._code

    def desc(self) -> str:
        return self._description

    def node(self) -> int:
        """The node's index in the model; -1 for problems of the whole."""
        return self._node

    def node_name(self) -> str:
        return self._name

    def node_operator(self) -> str:
        return self._op

    def file(self) -> str:
        return ""

    def line(self) -> int:
        return 0

    def func(self) -> str:
        return ""

    def __str__(self) -> str:
        where = f"node {self._node}: " if self._node >= 0 else ""
        return f"{where}{self._code.name}: {self._description}"

    __repr__ = __str__


class OnnxParser(Scoped):
    """Imports into a network; problems of the model are all told at once by get_error()."""

    _absent: ClassVar = {
        "parse_with_weight_descriptors": "use parse()",
        "refit_from_bytes": "use Refitter.set_named_weights()",
    }

    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
        self._network = network
        self._logger = logger
        self._errors: list[ParserError] = []
        self._flags = 0

    def parse(self, model: bytes | bytearray | memoryview, path: str | None = None) -> bool:
        """True when the network holds the model. path: the file that it came from, beside which external data lies."""
        folder = os.path.dirname(os.path.abspath(path)) if path else ""
        return self._parse(bytes(model), folder, self._network)

    def parse_from_file(self, model: str | os.PathLike[str]) -> bool:
        path = os.fspath(model)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as problem:
            self.clear_errors()
            return self._fail(FileError(f"cannot read the model {path}: {problem.strerror}"), [])
        return self.parse(data, path)

    def supports_model(self, model: bytes, path: str | None = None) -> tuple[bool, list[tuple[list[int], bool]]]:
        """Whether the model can be imported as a whole, and (the indices of all its nodes, that)."""
        supported = self.supports_model_v2(model, path)
        try:
            count = len(OnnxModel(bytes(model)).nodes)
        except Error:
            count = 0
        return supported, [(list(range(count)), supported)]

    def supports_model_v2(self, model: bytes, path: str | None = None) -> bool:
        folder = os.path.dirname(os.path.abspath(path)) if path else ""
        return self._parse(bytes(model), folder, None)

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    def clear_errors(self) -> None:
        self._errors = []

    def get_used_vc_plugin_libraries(self) -> list[str]:
        return []

    # --- flags: none changes anything here ----------------------------------------------------------------------------
    @property
    def flags(self) -> int:
        return self._flags

    @flags.setter
    def flags(self, flags: int) -> None:
        self._flags = flags

    def set_flag(self, flag: OnnxParserFlag) -> None:
        self._flags |= 1 << int(flag)

    def clear_flag(self, flag: OnnxParserFlag) -> None:
        self._flags &= ~(1 << int(flag))

    def get_flag(self, flag: OnnxParserFlag) -> bool:
        return bool(self._flags >> int(flag) & 1)

    # ------------------------------------------------------------------------------------------------------------------
    def _parse(self, data: bytes, folder: str, network: INetworkDefinition | None) -> bool:
        self.clear_errors()
        if network is not None:
            network._check_empty()
        try:
            description = _core.describe_model(data, folder)
            if network is not None:
                network._import(OnnxModel(data, folder), description)
        except Error as problem:
            return self._fail(problem, self._node_names(data))
        return True

    def _node_names(self, data: bytes) -> list[str]:
        try:
            return [node.name or f"{node.op}_{i}" for i, node in enumerate(OnnxModel(data).nodes)]
        except Error:
            return []

    def _fail(self, problem: Error, names: list[str]) -> bool:
        head, *lines = str(problem).split("\n  - ")
        self._logger.log(ILogger.ERROR, str(problem))
        for line in lines or [head]:
            found = _NODE.search(line)
            name, op = (found["name"], found["op"]) if found else ("", "")
            index = names.index(name) if name in names else -1
            self._errors.append(ParserError(_code(problem, line, bool(found)), line, index, name, op))
        return False


def _code(problem: Error, line: str, is_of_node: bool) -> ErrorCode:
    """One error lists problems of several kinds: what a line is about is told by the line."""
    if not is_of_node:
        return _CODES.get(problem.code, ErrorCode.INTERNAL_ERROR)
    is_unknown = problem.code == "unsupported" or "no such operator" in line
    return ErrorCode.UNSUPPORTED_NODE if is_unknown else ErrorCode.INVALID_NODE
