"""The rounds of generator.sh, which prepares the cluster and the environment."""
import glob, json, os, re, shutil, statistics, subprocess, sys, time

env = os.environ
host, bindir, work, scale = env["PGHOST"], env["bindir"], env["work"], env["scale"]
connections, each = env["connections"], float(env["each"])


def run(command, directory=None):
    """Output and CPU seconds (user, system) of a child."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory)
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} failed: {text}")
    return text, usage.ru_utime, usage.ru_stime


def number(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else float("nan")


def ours(kind, rate, seconds, logged=False):
    schedule = f"{work}/schedule" if logged else "-"
    text, user, system = run([env["play"], f"host={host} user=postgres dbname=bench", str(rate), str(seconds), connections,
                              schedule, f"{work}/{kind}.sql"])
    figures = json.loads(text.splitlines()[-1])
    intended = [float(line) for line in open(schedule)] if logged else None
    return dict(cpu=user + system, transactions=figures["transactions"], lag=figures["lag_mean_ms"], p99=figures["p99_ms"],
                lost=figures["errors"] + figures["shed"], intended=intended)


def pgbench(kind, rate, seconds, logged=False):
    directory = f"{work}/pgbench-log"
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    text, user, system = run([f"{bindir}/pgbench", "-M", "prepared", "-n", "-R", str(rate), "-c", connections, "-j", "1", "-T",
                              str(int(seconds)), "-f", f"{work}/{kind}.sql"] + (["-l"] if logged else []) + ["bench"], directory)
    intended, p99 = None, float("nan")
    if logged:  # end of the transaction, and its latency from the scheduled start on, in µs
        rows = [line.split() for name in glob.glob(f"{directory}/pgbench_log*") for line in open(name)]
        latencies = sorted(int(row[2]) for row in rows)
        p99 = latencies[int(0.99 * len(latencies))] / 1000
        intended = [float(row[4]) + float(row[5]) / 1e6 - int(row[2]) / 1e6 for row in rows]
    return dict(cpu=user + system, transactions=number(r"actually processed: (\d+)", text),
                lag=number(r"schedule lag: avg ([\d.]+)", text), p99=p99, lost=0, intended=intended)


def sysbench(kind, rate, seconds, logged=False):
    text, user, system = run(["sysbench", "--db-driver=pgsql", f"--pgsql-host={host}", "--pgsql-user=postgres", "--pgsql-db=bench",
                              f"--threads={connections}", f"--rate={rate}", "--events=0", f"--time={int(seconds)}",
                              "--percentile=99", f"--work={kind}", f"--scale={scale}", env["lua"], "run"])
    return dict(cpu=user + system, transactions=number(r"total number of events: +(\d+)", text), lag=float("nan"),
                p99=number(r"99th percentile: +([\d.]+)", text), lost=0, intended=None)


tools = [("pgrehearse", ours), ("pgbench", pgbench)] + ([("sysbench", sysbench)] if shutil.which("sysbench") else [])
if len(tools) < 3:
    print("sysbench is not installed: left out")
median = statistics.median


def cost(kind, rate):
    rounds = {name: [] for name, _ in tools}
    for pair in range(int(env["pairs"])):
        for name, tool in tools if pair % 2 == 0 else tools[::-1]:
            rounds[name].append(tool(kind, rate, each))
    for name, _ in tools:
        r = rounds[name]
        print(f"{kind:7} {rate:6}/s  {name:11} CPU {median(1e6 * x['cpu'] / x['transactions'] for x in r):7.1f} µs/transaction   "
              f"held {median(x['transactions'] / each for x in r):8.0f}/s   lag {median(x['lag'] for x in r):7.4f} ms   "
              f"lost {sum(x['lost'] for x in r)}", flush=True)
    for name, _ in tools[1:]:
        ratios = [a["cpu"] / a["transactions"] / (b["cpu"] / b["transactions"]) for a, b in zip(rounds["pgrehearse"], rounds[name])]
        print(f"{'':18} CPU ratio to {name}, pair by pair: median {median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")


def stalled(rate, seconds=20):
    """A lock of 3 s in the middle: who arrives in it waits for the rest of it."""
    for name, tool in tools:
        lock = subprocess.Popen(
            [f"{bindir}/psql", "-X", "-q", "-A", "-t", "-d", "bench", "-c", "SELECT pg_sleep(7)", "-c",
             "BEGIN; LOCK pgbench_accounts IN ACCESS EXCLUSIVE MODE", "-c", "SELECT extract(epoch FROM clock_timestamp())", "-c",
             "SELECT pg_sleep(3)", "-c", "SELECT extract(epoch FROM clock_timestamp())", "-c", "COMMIT"],
            stdout=subprocess.PIPE, text=True)
        seen = tool("select", rate, seconds, True)
        begin, end = [float(line) for line in lock.communicate()[0].split()]
        if seen["intended"]:
            waits = sorted(end - t if begin <= t < end else 0 for t in seen["intended"])
            true, basis = 1000 * waits[int(0.99 * len(waits))], "its own schedule"
        else:
            true, basis = 1000 * ((end - begin) - 0.01 * seconds), "a Poisson schedule's mean"
        print(f"stall   {rate:6}/s  {name:11} p99 {seen['p99']:8.1f} ms   true {true:8.1f} ms ({basis})   "
              f"off by {100 * (seen['p99'] / true - 1):+.2f} %", flush=True)


for kind in env["works"].split():
    for rate in map(int, env["rates"].split()):
        cost(kind, rate)
if env["stall"] != "0":
    for rate in map(int, env["rates"].split()):
        stalled(rate)
