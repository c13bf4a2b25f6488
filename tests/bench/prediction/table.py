"""table.py REPORT...: the back-test's rows of several runs, pooled: errors by class, baselines, noise floor, intervals."""
import csv
import json
import math
import os
import random
import statistics
import sys

METHODS = (("this prediction", "predicted_s"), ("linear from the largest", "linear_largest_s"),
           ("linear from the smallest", "linear_smallest_s"), ("power law", "power_law_s"))
FLOOR_S = 0.010


def own_time(run):
    """What is predicted: without waits for locks and for a CPU that other programs had."""
    elapsed, cpu = float(run["elapsed_s"]), float(run["cpu_user_s"] or 0) + float(run["cpu_system_s"] or 0)
    return max(elapsed - float(run["lock_wait_s"] or 0) - float(run["cpu_wait_s"] or 0), min(cpu, elapsed))


def runs_of(path):
    """Own times of the quiet runs, and of those on the largest sample, by migration and statement."""
    quiet, scaled = {}, {}
    with open(os.path.join(os.path.dirname(path), "samples", "statements.csv"), encoding="utf-8", newline="") as file:
        for run in csv.DictReader(file):
            key = (run["migration"], int(run["statement"]))
            if run["pass"] == "quiet" and run["elapsed_s"]:
                quiet.setdefault(key, []).append(own_time(run))
            elif run["pass"] == "scaled" and run["elapsed_s"]:
                scaled.setdefault(key, {}).setdefault(float(run["scale"]), []).append(own_time(run))
    return quiet, {key: by_scale[max(by_scale)] for key, by_scale in scaled.items()}


def texts_of(report):
    return {(migration["id"], statement["ordinal"]): statement["sql"]
            for migration in report["migrations"] for statement in migration["statements"]}


def rows_of(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        (runs, samples), texts = runs_of(path), texts_of(report)
        for row in report["prediction"]["backtest"]["rows"]:
            if row["actual_s"] is None or row["actual_s"] < FLOOR_S:
                continue
            key = (row["migration"], row["statement"])
            row["times"], row["sample"], row["sql"] = runs[key], samples[key], texts[key]
            row["run"] = report["run_id"]
            yield row


def errors(rows, key):
    return [row[key] / row["actual_s"] - 1 for row in rows if row[key] is not None]


def describe(name, values):
    absolute = sorted(abs(v) for v in values)
    print(f"{name:26} {len(values):4} {statistics.median(absolute):8.1%} {absolute[int(0.9 * (len(absolute) - 1))]:8.1%}"
          f" {absolute[-1]:8.1%} {statistics.median(values):+8.1%} {statistics.mean(values):+8.1%}")


def noise(rows):
    """One run against the median of the statement's others."""
    values = []
    for row in rows:
        for i, t in enumerate(row["times"]):
            others = row["times"][:i] + row["times"][i + 1:]
            if others:
                values.append(t / statistics.median(others) - 1)
    return values


def repeats_alone(rows, draws=40):
    """What a model without any error of its own would be off by: both the sample that it starts from and the duration that it
    is held against are medians of few runs, and differ by what those runs differ by (bootstrap; for few runs widened by n/(n-1))."""
    generator = random.Random(1)
    values = []
    for row in rows:
        sides = [[math.log(t) for t in times if t > 0] for times in (row["times"], row["sample"])]
        if min(len(side) for side in sides) < 3:
            continue
        for _ in range(draws):
            error = 0
            for side in sides:
                drawn = statistics.median(generator.choice(side) for _ in side) - statistics.mean(side)
                error += generator.choice((-1, 1)) * drawn * math.sqrt(len(side) / (len(side) - 1))
            values.append(math.exp(error) - 1)
    return values


def wilson(inside, count, z=1.959964):
    p = inside / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (p * (1 - p) / count + z * z / (4 * count * count)) ** 0.5
    return middle - half, middle + half


def main():
    rows = list(rows_of(sys.argv[1:]))
    head = f"{'':26} rows   median      p90    worst     bias     mean"
    print(head)
    for name, key in METHODS:
        describe(name, errors(rows, key))
    describe("noise floor (one run)", noise(rows))
    describe("repeats alone, both sides", repeats_alone(rows))
    print("\nby class, this prediction\n" + head)
    for name in sorted({row["class"] for row in rows}):
        describe(name, errors([row for row in rows if row["class"] == name], "predicted_s"))
    sure = [row for row in rows if row["low_s"] is not None]
    if sure:
        inside = sum(row["low_s"] <= row["actual_s"] <= row["high_s"] for row in sure)
        low, high = wilson(inside, len(sure))
        widths = sorted(row["high_s"] / row["low_s"] for row in sure)
        print(f"\nintervals: {inside} of {len(sure)} inside = {inside / len(sure):.1%} (95 % Wilson {low:.1%} to {high:.1%}); "
              f"high/low median {statistics.median(widths):.2f}, largest {widths[-1]:.2f}; rows without: {len(rows) - len(sure)}")
    if len(rows) > 0:
        print("\nfurthest off")
        for row in sorted(rows, key=lambda r: -abs(r["predicted_s"] / r["actual_s"] - 1))[:12]:
            print(f"  {row['run'][-20:]:20} {row['migration']:14} {row['class']:16} {row['predicted_s'] / row['actual_s'] - 1:+7.1%}"
                  f" of {row['actual_s']:.3f} s  {row['sql'][:70]}")


main()
