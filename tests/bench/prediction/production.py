"""production.py REPORT ACTUAL GROWTH: predictions for production against what it took ("migration seconds" lines, several rounds),
beside staging's durations as they are and times GROWTH, the ratio of the rows. With a loaded pass, the predictions under load."""
import collections
import json
import statistics
import sys

FLOOR_S = 0.010


def actual_of(path):
    actual = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, seconds = line.split()
            actual[name].append(float(seconds))
    return actual


def loaded_s(statement):
    return next((run["elapsed_s"] for run in statement["runs"] if run["pass"] == "loaded"), None)


def rows_of(report, actual):
    """(class, median of the actual, prediction, the actual ones, staging's duration under load, text) for each statement that counts."""
    for migration in report["migrations"]:
        statement = migration["statements"][0]
        p = statement["prediction"]
        times = next((t for n, t in actual.items() if n in (migration["id"], migration["name"]) or
                      n.startswith(migration["id"])), None)
        if times and p and p["median_s"] is not None and statistics.median(times) >= FLOOR_S:
            yield statement["class"], statistics.median(times), p, times, loaded_s(statement), statement["sql"]


def describe(name, values):
    values = list(values)
    if not values:
        return
    absolute = sorted(abs(v) for v in values)
    print(f"{name:34} {len(values):4} {statistics.median(absolute):8.1%} {absolute[int(0.9 * (len(absolute) - 1))]:8.1%}"
          f" {absolute[-1]:8.1%} {statistics.median(values):+8.1%}")


def intervals(rows, of):
    sure = [(a, of(p)) for _, a, p, *_ in rows if of(p)["low_s"] is not None]
    inside = sum(p["low_s"] <= a <= p["high_s"] for a, p in sure)
    width = statistics.median(p["high_s"] / p["low_s"] for _, p in sure) if sure else float("nan")
    print(f"intervals: {inside} of {len(sure)} inside; high/low median {width:.2f}; rows without: {len(rows) - len(sure)}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    rows, growth = list(rows_of(report, actual_of(sys.argv[2]))), float(sys.argv[3])
    under_load = all(p["under_load"] and p["under_load"]["median_s"] is not None for _, _, p, *_ in rows)

    def of(prediction):
        return prediction["under_load"] if under_load else prediction

    print(f"{'':34} rows   median      p90    worst     bias")
    describe("this prediction" + (", under load" if under_load else ""), (of(p)["median_s"] / a - 1 for _, a, p, *_ in rows))
    if under_load:
        describe("the prediction alone", (p["median_s"] / a - 1 for _, a, p, *_ in rows))
        describe(f"staging's under load, by rows (x{growth:g})", (growth * s / a - 1 for _, a, _, _, s, _ in rows if s))
    describe("staging's durations as they are", (p["staging_s"] / a - 1 for _, a, p, *_ in rows))
    describe(f"staging's, by rows (x{growth:g})", (growth * p["staging_s"] / a - 1 for _, a, p, *_ in rows))
    describe("noise floor (one round)", (t / statistics.median(ts) - 1 for _, _, _, ts, *_ in rows for t in ts))
    for name in sorted({row[0] for row in rows}):
        describe("  " + name, (of(p)["median_s"] / a - 1 for c, a, p, *_ in rows if c == name))
    intervals(rows, of)
    for row in sorted(rows, key=lambda r: -abs(of(r[2])["median_s"] / r[1] - 1))[:10]:
        print(f"  {row[0]:16} {of(row[2])['median_s'] / row[1] - 1:+7.1%} of {row[1]:.3f} s  {row[5][:70]}")
    probes = report["production"]
    if probes and probes.get("probes"):
        print("probes:", json.dumps(probes["probes"]))


main()
