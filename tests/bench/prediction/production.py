"""production.py REPORT ACTUAL: predictions for production against what it took ("migration seconds" lines, several rounds)."""
import collections
import json
import statistics
import sys

FLOOR_S = 0.010


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    actual = collections.defaultdict(list)
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file:
            name, seconds = line.split()
            actual[name].append(float(seconds))
    rows = []
    for migration in report["migrations"]:
        statement = migration["statements"][0]
        p = statement["prediction"]
        times = next((t for n, t in actual.items() if n in (migration["id"], migration["name"]) or
                      n.startswith(migration["id"])), None)
        if not times or not p or p["median_s"] is None or statistics.median(times) < FLOOR_S:
            continue
        rows.append((migration["id"], statement["class"], statistics.median(times), p, times))
    probes = report["production"]
    print(f"{'':34} rows   median      p90    worst     bias")
    growth = 2.0

    def describe(name, values):
        absolute = sorted(abs(v) for v in values)
        print(f"{name:34} {len(values):4} {statistics.median(absolute):8.1%} {absolute[int(0.9 * (len(absolute) - 1))]:8.1%}"
              f" {absolute[-1]:8.1%} {statistics.median(values):+8.1%}")

    describe("this prediction", [p["median_s"] / a - 1 for _, _, a, p, _ in rows])
    describe("staging's durations as they are", [p["staging_s"] / a - 1 for _, _, a, p, _ in rows])
    describe("staging's, by rows (x2)", [growth * p["staging_s"] / a - 1 for _, _, a, p, _ in rows])
    describe("noise floor (one round)", [t / statistics.median(ts) - 1 for *_, ts in rows for t in ts])
    for name in sorted({row[1] for row in rows}):
        describe("  " + name, [p["median_s"] / a - 1 for _, c, a, p, _ in rows if c == name])
    sure = [(a, p) for _, _, a, p, _ in rows if p["low_s"] is not None]
    inside = sum(p["low_s"] <= a <= p["high_s"] for a, p in sure)
    print(f"intervals: {inside} of {len(sure)} inside; rows without: {len(rows) - len(sure)}")
    if probes and probes.get("probes"):
        print("probes:", json.dumps(probes["probes"]))


main()
