#!/usr/bin/env python3
"""The table of backfill-prediction.sh: table.py RESULT.json..."""
import json
import re
import statistics
import sys

FIRST = 0.1  # the share of the rows at which the others estimate


def seconds(course):
    return sum(s for s, _ in course)


def images_of(run):
    return run["states"][-1][3] - run["states"][0][3]


def beside_of(run):
    """The share of the time of the batches beside a vacuum, by whether one ran at the look behind them."""
    beside = sum(seconds(run["course"][a[0]:b[0]]) for a, b in zip(run["states"], run["states"][1:]) if b[2])
    return beside / seconds(run["course"])


def at_first(course, rows):
    """Batches until FIRST of the rows are done."""
    done = 0
    for i, (_, changed) in enumerate(course):
        done += changed
        if done >= FIRST * rows:
            return course[: i + 1]
    return course


def by_rate(head, rows, last):
    """gh-ost (last second), Spirit (10 s): what is left over the rate of the last batches."""
    time = done = 0
    for s, changed in reversed(head):
        time, done = time + s, done + changed
        if time >= last:
            break
    return seconds(head) + (rows - sum(c for _, c in head)) * time / done


def exponential(head, rows, alpha=0.4, most=20):
    """GitLab's optimizer: exponential mean of the time a row of the last batches."""
    mean = None
    for s, changed in head[-most:]:
        mean = s / changed if mean is None else alpha * s / changed + (1 - alpha) * mean
    return seconds(head) + (rows - sum(c for _, c in head)) * mean


def estimates(course, rows):
    head = at_first(course, rows)
    return {
        "first 10 %": seconds(head) / sum(c for _, c in head) * rows,
        "last second": by_rate(head, rows, 1),
        "last 10 s": by_rate(head, rows, 10),
        "exponential mean": exponential(head, rows),
    }


errors = {}


def note(name, predicted, actual):
    error = predicted / actual - 1
    errors.setdefault(name, []).append(error)
    return error


print(f"{'case':12} {'batch':>6} {'whole s':>8} {'pgrehearse':>10} {'low':>7} {'high':>7} {'error':>7} {'random':>7} {'first':>7}"
      f" {'last s':>7} {'10 s':>7} {'expon.':>7} {'floor':>6} {'WAL MB':>7} {'error':>7} {'growth':>7} {'vac.':>4} {'HOT':>4}"
      f" {'model':>5} {'states':>7} {'images':>7} {'whole':>7} {'beside':>6} {'whole':>6}")
inside = intervals = 0
widths = []
stretches = []
for path in sys.argv[1:]:
    result = json.loads(re.sub(r"-?\bnan\b", "null", open(path).read()))
    stretches += result["stretches"]
    model = {"states": "st", "exponential_mean": "exp", "mix": "mix"}[result["model"]]
    rows = result["rows"]
    for p in result["predicted"]:
        if p["busy_s"][0] is None:
            print(f"{result['case']:12} {p['batch']:6} not predicted")
            continue
        runs = [w["run"] for w in result["before"] + result["behind"] if w["batch"] == p["batch"]]
        times = [seconds(r["course"]) for r in runs]
        actual, wal = statistics.mean(times), statistics.mean(r["wal"] for r in runs)
        floor = max(abs(t / actual - 1) for t in times)
        errors.setdefault("noise floor", []).append(floor)
        median, low, high = p["busy_s"]
        error = note("pgrehearse", median, actual)
        random = note("random batches", p["naive_s"], actual)
        others = [note(name, statistics.mean(estimates(r["course"], rows)[name] for r in runs), actual)
                  for name in ("first 10 %", "last second", "last 10 s", "exponential mean")]
        wal_error = note("WAL", p["wal"][0], wal)
        if low is not None:
            intervals += 1
            inside += low <= actual <= high
            widths.append(high / low)
        growth = statistics.mean((r["heap"] + r["indexes"]) / (r["heap_before"] + r["indexes_before"]) for r in runs)
        note("without states", p["stratified_s"], actual)
        states = note("model of the states", p["states_s"], actual)
        note("exponential of the sample", p["exponential_s"], actual)
        images, beside = (statistics.mean(f(r) for r in runs) for f in (images_of, beside_of))
        note("page images", p["images"], images)
        if p["size"][0] is not None:
            note("final size", p["size"][0], statistics.mean(r["heap"] + r["indexes"] for r in runs))
        if p["dead"][0] is not None:
            note("peak dead rows", p["dead"][0] * rows, statistics.mean(max(s[1] for s in r["states"]) for r in runs))
        print(f"{result['case']:12} {p['batch']:6} {actual:8.2f} {median:10.2f} {low or 0:7.2f} {high or 0:7.2f} {error:+7.1%} {random:+7.1%} "
              + " ".join(f"{o:+7.1%}" for o in others)
              + f" {floor:6.1%} {wal / 1e6:7.0f} {wal_error:+7.1%} {growth:7.2f} {runs[0]['vacuums']:4} {runs[0]['hot'] / rows:4.0%}"
              f" {model:>5} {states:+7.1%} {p['images']:7.0f} {images:7.0f} {p['beside_s'] / median:6.0%} {beside:6.0%}")
print()
for name, values in errors.items():
    absolute = sorted(abs(v) for v in values)
    print(f"{name:18} median {statistics.median(absolute):6.1%}  worst {absolute[-1]:6.1%}  bias {statistics.median(values):+6.1%}  ({len(values)})")
if intervals:
    print(f"{inside} of {intervals} inside the interval; high/low {statistics.median(widths):.2f}")
known = [s for s in stretches if s["predicted"][1] is not None]
if known:
    off = [s["predicted"][0] / s["actual"] - 1 for s in known]
    held = sum(s["predicted"][1] <= s["actual"] <= s["predicted"][2] for s in known)
    print(f"{len(known)} stretches: median {statistics.median(map(abs, off)):.1%}, worst {max(map(abs, off)):.1%}, {held} inside")
