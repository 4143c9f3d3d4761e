"""Rows of bench/peers.py as tables in Markdown: medians, ratios, memory, how the peers' INT8 models were made."""
import math
import statistics

PRODUCTS = {"burnish": "Burnish", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
# (ours, theirs): how many times faster ours is.
RATIOS = [
    ("Burnish FP32", "ONNX Runtime FP32"),
    ("Burnish FP32", "OpenVINO FP32"),
    ("Burnish BF16", "Burnish FP32"),
    ("Burnish BF16", "OpenVINO BF16"),
    ("Burnish INT8", "Burnish FP32"),
    ("Burnish INT8", "ONNX Runtime INT8"),
    ("Burnish INT8", "OpenVINO INT8"),
]


def column_name(product, precision):
    return f"{PRODUCTS[product]} {precision.upper()}"


def ratio_name(ours, theirs):
    return f"{ours} / {theirs}"


def ratios_of(times):
    """Ratio name -> median over the rounds of their time / our time; only of columns that ran."""
    return {ratio_name(ours, theirs): statistics.median(t / o for o, t in zip(times[ours], times[theirs]))
            for ours, theirs in RATIOS if ours in times and theirs in times}


def geometric_means(rows):
    found = {}
    for row in rows:
        for name, ratio in row["ratios"].items():
            found.setdefault(name, []).append(ratio)
    return {name: {"mean": math.exp(statistics.mean(map(math.log, r))), "least": min(r), "rows": len(r)} for name, r in found.items()}


def print_row(row, names):
    cells = [f"{n} {row['columns'][n]['median_ms']:.2f} ms" for n in names if n in row["columns"]]
    print(f"{row['model']:<9} b{row['batch']:<2} " + " | ".join(cells), flush=True)
    for name, error in row["errors"].items():
        print(f"{'':<13} {name}: {error}", flush=True)


def print_table(title, header, lines):
    print(f"\n{title}\n\n| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for line in lines:
        print("| " + " | ".join(line) + " |")


def cell(row, name, key, pattern):
    if name in row["errors"]:
        return "failed"
    return pattern.format(row["columns"][name][key]) if name in row["columns"] else "–"


def print_ratios(rows):
    means = geometric_means(rows)
    names = [ratio_name(*r) for r in RATIOS if ratio_name(*r) in means]
    if not names:
        return
    lines = [[r["model"], str(r["batch"])] + [f"{r['ratios'][n]:.2f}×" if n in r["ratios"] else "–" for n in names] for r in rows]
    lines.append(["geometric mean", ""] + [f"{means[n]['mean']:.2f}×" for n in names])
    lines.append(["least", ""] + [f"{means[n]['least']:.2f}×" for n in names])
    print_table("How many times faster the first is:", ["model", "batch"] + names, lines)


def print_tables(rows, names, contexts=1):
    def lines(key, pattern):
        return [[r["model"], str(r["batch"])] + [cell(r, n, key, pattern) for n in names] for r in rows]

    versions = {}
    for row in rows:
        versions.update({n: c["version"] for n, c in row["columns"].items()})
    header = ["model", "batch"] + names
    title = "Median milliseconds:" if contexts == 1 else f"Milliseconds an inference of {contexts} callers together:"
    print_table(title, header, lines("median_ms", "{:.2f}"))
    print_ratios(rows)
    print_table("Memory in MB:", header, lines("memory_mb", "{:.0f}"))
    recipes = [[r["model"], str(r["batch"]), n, c["recipe"]] for r in rows for n, c in r["columns"].items() if "recipe" in c]
    if recipes:
        print_table("The fastest INT8 recipes:", ["model", "batch", "product", "recipe"], recipes)
    print("\nVersions: " + ", ".join(f"{n.rsplit(' ', 1)[0]} {v}" for n, v in versions.items() if n.endswith("FP32")))
