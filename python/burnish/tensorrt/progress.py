"""Progress of a build."""

from __future__ import annotations

from burnish.tensorrt.logger import ILogger


class IProgressMonitor:
    """Implement these to follow a build."""

    def __init__(self) -> None:
        pass

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        raise NotImplementedError

    def step_complete(self, phase_name: str, step: int) -> bool:
        """False stops the build."""
        raise NotImplementedError

    def phase_finish(self, phase_name: str) -> None:
        raise NotImplementedError


class BuildCancelled(Exception):
    """step_complete() returned False."""


class ProgressReporter:
    """Turns stages (name, done, total) into phases."""

    def __init__(self, monitor: IProgressMonitor, logger: ILogger) -> None:
        self._monitor = monitor
        self._logger = logger
        self._phase: str | None = None
        self._done = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._phase:
            self.finish()
            self._phase, self._done = stage, 0
            self._monitor.phase_start(stage, None, total)
        while self._done < done:
            if not self._monitor.step_complete(stage, self._done):
                self._logger.log(ILogger.WARNING, f"the build was stopped in '{stage}' by the progress monitor")
                raise BuildCancelled
            self._done += 1

    def finish(self) -> None:
        if self._phase is not None:
            self._monitor.phase_finish(self._phase)
        self._phase = None
