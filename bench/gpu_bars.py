"""What issue 4 asks of the CUDA target on one H100."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Bar:
    """A latency in milliseconds or a throughput in items per second, whichever is given, and where we want to be."""

    ms: float | None = None
    items_per_s: float | None = None
    goal: float = 0

    def is_met(self, ms, batch):
        return ms <= self.ms if self.ms else items_per_s(ms, batch) >= self.items_per_s

    def text(self):
        return f"{self.ms:.2f} ms" if self.ms else f"{self.items_per_s:,.0f}/s"


BARS = {
    ("resnet50", 1): Bar(ms=0.42, goal=0.28),
    ("resnet50", 128): Bar(items_per_s=27000, goal=36000),
    ("bert", 1): Bar(ms=0.50, goal=0.36),
    ("bert", 128): Bar(items_per_s=21000, goal=26000),
    ("yolov5s", 1): Bar(ms=0.52, goal=0.38),
    ("yolov5s", 32): Bar(items_per_s=8500, goal=12000),
}
# Of ResNet-50: detail of the Burnish column -> (name, unit, most).
RESNET_BARS = {"cold_build_s": ("build, caches emptied", "s", 60), "warm_build_s": ("build, caches warm", "s", 5),
               "load_ms": ("load", "ms", 200)}


def items_per_s(ms, batch):
    return batch / ms * 1e3
