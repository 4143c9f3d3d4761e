"""Where messages go."""

from __future__ import annotations

import sys
from typing import ClassVar

from burnish.tensorrt.enums import _Enum

_FROM_NATIVE = {"error": 1, "warning": 2, "info": 3, "verbose": 4}


class ILogger:
    """The base of loggers of your own: implement `log(severity, msg)`."""

    class Severity(_Enum):
        """The worst first."""

        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3
        VERBOSE = 4

    INTERNAL_ERROR: ClassVar[Severity] = Severity.INTERNAL_ERROR
    ERROR: ClassVar[Severity] = Severity.ERROR
    WARNING: ClassVar[Severity] = Severity.WARNING
    INFO: ClassVar[Severity] = Severity.INFO
    VERBOSE: ClassVar[Severity] = Severity.VERBOSE

    def __init__(self) -> None:
        pass

    def log(self, severity: ILogger.Severity, msg: str) -> None:
        raise NotImplementedError("a logger must implement log(severity, msg)")


class Logger(ILogger):
    """Writes messages of a severity and worse to stderr."""

    def __init__(self, min_severity: ILogger.Severity = ILogger.Severity.WARNING) -> None:
        super().__init__()
        self.min_severity = min_severity

    def log(self, severity: ILogger.Severity, msg: str) -> None:
        if severity <= self.min_severity:
            print(f"[burnish] [{severity.name[0]}] {msg}", file=sys.stderr)


def log_native(logger: ILogger, level: str, message: str) -> None:
    """Hands on a message of the native half."""
    logger.log(ILogger.Severity(_FROM_NATIVE[level]), message)


def wants_verbose(logger: ILogger) -> bool:
    """True when the logger is known to print everything."""
    return isinstance(logger, Logger) and logger.min_severity >= ILogger.VERBOSE
