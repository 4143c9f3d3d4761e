"""Measured steps as a table, and engines as pages of notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from burnish import _core

_MOST_ROWS = 200


class StepTable(list[dict[str, Any]]):
    """A row for every step: name, op, tactic, median_us, gflops, megabytes. `pandas.DataFrame(table)` takes it."""

    @property
    def columns(self) -> list[str]:
        return list(self[0]) if self else []

    @property
    def total_us(self) -> float:
        return float(sum(row["median_us"] for row in self))

    def __str__(self) -> str:
        lines = [f"{'step':<44}{'op':<22}{'tactic':<30}{'µs':>10}"]
        lines += [f"{_shorten(row['name'], 42):<44}{row['op']:<22}{row['tactic']:<30}{row['median_us']:>10.1f}"
                  for row in self]
        return "\n".join([*lines, f"{'total':<96}{self.total_us:>10.1f}"])

    def _repr_html_(self) -> str:
        rows = [[row["name"], row["op"], row["tactic"], f"{row['median_us']:.1f}", f"{row['gflops']:.3f}",
                 f"{row['megabytes']:.2f}"] for row in self]
        return html_table(["step", "op", "tactic", "µs", "GFLOP", "MB"], rows) + f"<p>total {self.total_us:.1f} µs</p>"


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width // 2 - 1] + "…" + text[-(width // 2) :]


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Every cell is escaped; rows beyond a sensible number are only counted."""
    shown = list(rows)
    more = len(shown) - _MOST_ROWS
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in shown[:_MOST_ROWS])
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _shape(dims: Sequence[int]) -> str:
    return " × ".join("?" if d < 0 else str(d) for d in dims) or "scalar"


def engine_page(engine: _core.Engine) -> str:
    """Inputs, outputs and what the engine is, in HTML."""
    rows = [[kind, info.name, info.data_type.name.lower(), _shape(info.shape)]
            for kind, infos in (("input", engine.inputs), ("output", engine.outputs)) for info in infos]
    facts = engine.metadata
    name = facts.get("model.name") or "engine"
    steps = sum(step["kind"] == "kernel" for step in engine.steps())
    text = (f"{steps} steps, {engine.weight_bytes / 1e6:.1f} MB of weights, {engine.num_profiles} "
            f"profile{'s' if engine.num_profiles != 1 else ''}, {facts['target.kind']} {facts['target.isa']}")
    return f"<h4>{escape(name)}</h4>{html_table(['', 'name', 'type', 'shape'], rows)}<p>{escape(text)}</p>"
