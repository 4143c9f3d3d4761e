"""Child processes of the comparisons: commands that are run once, and workers that stay and answer line by line.

A column that cannot be made or run raises ColumnError with a reason short enough for a table; the others go on.
Nothing large may be imported here: a child's peak memory counts from what its parent held.
"""
import contextlib
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent


class ColumnError(Exception):
    pass


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"


def error_line(text):
    """The line that tells why: the first that begins with "error:", or the last one."""
    errors = [line.strip() for line in text.splitlines() if line.strip().startswith("error:")]
    return errors[0] if errors else last_line(text)


def checked(command, env=None, timeout=None):
    """What the command printed. env: the whole environment, or None for ours; timeout in seconds."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ColumnError(f"'{command[1]}' was ended after {timeout:.0f} s") from None
    except OSError as e:
        raise ColumnError(f"{command[0]}: {e.strerror}") from None
    if done.returncode:
        raise ColumnError(f"{error_line(done.stderr or done.stdout)} (exit code {done.returncode})")
    return done.stdout


class WorkerProcess:
    """A script that gets its setup as its argument, sleeps until told a line, and answers each with one line of JSON."""

    def __init__(self, script, setup, env=None):
        self.log = open(setup["log"], "w+")
        self.child = subprocess.Popen([sys.executable, HERE / script, json.dumps(setup)], text=True, env=env,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def tell(self, line):
        try:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise ColumnError(f"died: {self.reason()}") from None

    def answer(self, timeout=None):
        """A worker that is silent for longer than timeout seconds is ended."""
        line, late = self.line_within(timeout)
        if not line:
            self.close()
            raise ColumnError(f"was ended after {timeout:.0f} s without an answer" if late else f"died: {self.reason()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ColumnError(answer["error"])
        return answer

    def line_within(self, timeout):
        """The next line, empty at the end, and whether the worker was ended for being late."""
        if timeout is None:
            return self.child.stdout.readline(), False
        late = threading.Event()

        def end():
            late.set()
            self.child.kill()

        timer = threading.Timer(timeout, end)
        timer.start()
        try:
            return self.child.stdout.readline(), late.is_set()
        finally:
            timer.cancel()

    def reason(self):
        self.log.seek(0)
        return last_line(self.log.read())

    def release(self):
        """Lets it end by itself."""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()

    def close(self):
        self.release()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
