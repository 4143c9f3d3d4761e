"""Rows of bench/gpu_peers.py as tables in Markdown: times, ratios, bars, builds, shares of the roofline."""
import statistics

from gpu_bars import BARS, RESNET_BARS, items_per_s
from gpu_columns import BURNISH, EAGER, PYTORCH
from peer_tables import print_table

STEPS_SHOWN = 12


def best_of(columns):
    """The name of PyTorch's fastest column, None when all failed."""
    names = [n for n in columns if n != BURNISH]
    return min(names, key=lambda n: columns[n]["median_ms"], default=None)


def ratios_of(times):
    """Times of the rounds by column -> how many times faster Burnish is: the median of the ratios within a round."""
    if BURNISH not in times:
        return {}
    best = min((n for n in times if n != BURNISH), key=lambda n: statistics.median(times[n]), default=None)
    peers = {"best": best, "eager": EAGER if EAGER in times else None}
    return {key: statistics.median(t / o for o, t in zip(times[BURNISH], times[name])) for key, name in peers.items() if name}


def with_shares(steps, peaks):
    """Adds to each step its share of the roofline, and which of both roofs it is under."""
    for step in steps:
        shares = {"compute": step["gflop_per_s"] / peaks["gflop_per_s"], "memory": step["gb_per_s"] / peaks["gb_per_s"]}
        step["roof"] = max(shares, key=shares.get)
        step["roofline_share"] = shares[step["roof"]]
    return steps


def floor_us(steps):
    """What all steps would take at their roofs."""
    return sum(s["roofline_share"] * s["median_us"] for s in steps)


def amount(ms, batch):
    return f"{ms:.3f} ms" if batch == 1 else f"{items_per_s(ms, batch):,.0f}/s"


def verdict(is_met):
    return "met" if is_met else "missed"


def time_cell(row, name):
    if name in row["errors"]:
        return "failed"
    return amount(row["columns"][name]["median_ms"], row["batch"]) if name in row["columns"] else "–"


def bar_cells(row):
    bar = BARS.get((row["model"], row["batch"]))
    if bar is None:
        return ["–", "–"]
    ours = row["columns"].get(BURNISH)
    return [bar.text(), verdict(bar.is_met(ours["median_ms"], row["batch"])) if ours else "no figure"]


def ratio_cell(row, key):
    return f"{row['ratios'][key]:.2f}×" if key in row["ratios"] else "–"


def case_cells(row):
    return [row["model"], str(row["batch"])]


def print_row(row, names):
    cells = [f"{n} {time_cell(row, n)}" for n in names if n in row["columns"]]
    bar, met = bar_cells(row)
    cells += [f"{ratio_cell(row, 'best')} PyTorch's best"] * ("best" in row["ratios"]) + [f"bar {bar}: {met}"] * (bar != "–")
    print(f"{row['model']:<9} b{row['batch']:<3} " + " | ".join(cells), flush=True)
    for name, error in row["errors"].items():
        print(f"{'':<14} {name}: {error}", flush=True)


def print_times(rows, names):
    header = ["model", "batch", *names, "PyTorch's best", "Burnish : best", "Burnish : eager FP32", "bar", "is"]
    lines = [case_cells(r) + [time_cell(r, n) for n in names] + [best_of(r["columns"]) or "–"] +
             [ratio_cell(r, "best"), ratio_cell(r, "eager")] + bar_cells(r) for r in rows]
    print_table("Medians with inputs on the GPU; above 1: Burnish is faster:", header, lines)


def print_builds(rows):
    keys = {"cold_build_s": "build, caches emptied, s", "warm_build_s": "build, caches warm, s",
            "build_s": "build, caches as they were, s", "engine_mb": "engine, MB", "load_ms": "load, ms",
            "first_ms": "first execution, ms", "from_host_ms": "with host copies, ms", "arena_mb": "arena, MB"}
    ours = [(r, r["columns"][BURNISH]) for r in rows if BURNISH in r["columns"]]
    lines = [case_cells(r) + [f"{c[k]:.2f}" if k in c else "–" for k in keys] for r, c in ours]
    if lines:
        print_table("Burnish, from the model to the result:", ["model", "batch", *keys.values()], lines)
    for row, column in ours:
        for key, (name, unit, most) in RESNET_BARS.items():
            if row["model"] == "resnet50" and key in column:
                value = column[key]
                print(f"resnet50 b{row['batch']} {name}: {value:.1f} {unit}, at most {most}: {verdict(value <= most)}")


def print_steps(row):
    """The longest steps of one engine; small operands come from the second-level cache, so a share may pass 100 %."""
    steps = row["steps"]
    total = sum(s["median_us"] for s in steps)
    title = (f"{row['model']} b{row['batch']}: {len(steps)} steps, {total:.1f} µs one by one; "
             f"{100 * floor_us(steps) / max(total, 1e-9):.0f} % of the roofline; the longest:")
    longest = sorted(steps, key=lambda s: -s["median_us"])[:STEPS_SHOWN]
    lines = [[f"{s['median_us']:.1f}", f"{100 * s['share']:.1f} %", f"{100 * s['roofline_share']:.0f} %", s["roof"], s["op"],
              s["tactic"], s["name"][-48:]] for s in longest]
    print_table(title, ["µs", "of all", "of the roofline", "roof", "op", "tactic", "name"], lines)


def print_versions(rows):
    versions = {}
    for column in (c for r in rows for c in r["columns"].values()):
        versions.update(column.get("versions") or {"Burnish": column["version"]})
    if versions:
        print("\nVersions: " + ", ".join(f"{n} {v}" for n, v in versions.items()))


def print_tables(rows, peaks):
    names = [n for n in (BURNISH, *PYTORCH) if any(n in r["columns"] or n in r["errors"] for r in rows)]
    print_times(rows, names)
    print_builds(rows)
    print_versions(rows)
    if peaks:
        print(f"\nRoofs measured in this run: {peaks['gflop_per_s'] / 1e3:.0f} TFLOP/s of FP16 products, "
              f"{peaks['gb_per_s']:.0f} GB/s of copies")
    for row in rows:
        if "steps" in row:
            print_steps(row)
    errors = [[*case_cells(r), name, error] for r in rows for name, error in r["errors"].items()]
    if errors:
        print_table("What failed:", ["model", "batch", "column", "why"], errors)
