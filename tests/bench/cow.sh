#!/bin/sh
# What copy-on-write adds to the timed passes: the same physical copy on XFS and btrfs, each on a loop device (root only), resets by
# reflink, three quiet passes; with the untimed pass before them and without it (staging.warm_up), interleaved. Beside them: ext4, where
# nothing is shared. Wanted, where the file system overwrites in place: the first pass is as fast as the third with the untimed pass.
# PAIRS, rounds; ROWS, rows of the table (300000 have 150 MB with the index); MEGABYTES, of each file system. A file system without its mkfs is left out.
. "$(dirname "$0")/cluster.sh"
[ "$(id -u)" = 0 ] || { echo "skipped: loop devices need root"; exit 77; }
rows=${ROWS:-300000}
systems=
finish() {
    for fs in $systems; do umount "$work/$fs" 2>/dev/null || true; done
    stop_cluster
}
trap finish EXIT

# mounted FS OPTION...: an empty file system of that kind in $work/FS.
mounted() {
    fs=$1
    shift
    command -v "mkfs.$fs" >/dev/null || { echo "$fs: skipped: there is no mkfs.$fs"; return; }
    dd if=/dev/zero of="$work/$fs.image" bs=1M count="${MEGABYTES:-3000}" status=none # every block: none is allocated in a timed pass
    mkdir "$work/$fs"
    if ! mkfs."$fs" -q "$@" "$work/$fs.image" >/dev/null 2>&1 || ! mount -o loop,nodiscard "$work/$fs.image" "$work/$fs" 2>/dev/null; then
        echo "$fs: skipped: it cannot be mounted here"
        return
    fi
    mkdir "$work/$fs/clusters"
    systems="$systems $fs"
}
mounted xfs -K
mounted btrfs -K
mounted ext4 -E nodiscard

"$bindir/createdb" shop
"$bindir/psql" -qX -v ON_ERROR_STOP=1 -d shop <<SQL
CREATE TABLE orders (id bigint PRIMARY KEY, state int NOT NULL, note text) WITH (fillfactor = 90);
INSERT INTO orders SELECT g, 0, repeat(md5(g::text), 8) FROM generate_series(1, $rows) g;
VACUUM (ANALYZE, FREEZE);
CHECKPOINT;
SQL
as_server "$bindir/pg_basebackup" -D "$cluster/copy" -c fast
mkdir "$work/migrations"
echo "UPDATE orders SET state = 1 WHERE id IN (10, $((rows / 3)), $((rows / 2)), $((rows - 10)));" >"$work/migrations/1_few.sql"
echo "UPDATE orders SET state = 2 WHERE id % 41 = 0;" >"$work/migrations/2_scattered.sql"
echo "CREATE INDEX ON orders (note, id);" >"$work/migrations/3_index.sql"

for round in $(seq "$pairs"); do
    for fs in $systems; do
        for warm_up in true false; do
            cat >"$work/scenario.yaml" <<YAML
name: bench
backup: {path: $cluster/copy}
staging: {directory: $work/$fs/clusters, warm_up: $warm_up, settings: {shared_buffers: 16MB, max_wal_size: 4GB}}
migrations: {path: $work/migrations, framework: sql, pending: all}
workload: {source: none}
rollback: false
YAML
            "$program" run "$work/scenario.yaml" --pass quiet --output "$work/run-$fs-$warm_up-$round" --quiet >/dev/null || :
        done
    done
done

python3 - "$work" "$pairs" $systems <<'PYTHON'
import json, statistics, sys
work, pairs, systems = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
print("file system  warm-up  statement          pass 1 ms   pass 3 ms   ratio, round by round (median, min, max)")
for fs in systems:
    for warm_up in ("true", "false"):
        runs = [json.load(open(f"{work}/run-{fs}-{warm_up}-{n + 1}/report.json")) for n in range(pairs)]
        for at, name in enumerate(("4 rows", "1 row of 41", "CREATE INDEX")):
            times = [[x["elapsed_s"] * 1e3 for x in r["migrations"][at]["statements"][0]["runs"] if x["pass"] == "quiet"] for r in runs]
            ratios = [t[0] / t[2] for t in times]
            first, third = (statistics.median(t[i] for t in times) for i in (0, 2))
            print(f"{fs:12} {warm_up:8} {name:14} {first:13.1f} {third:11.1f}   {statistics.median(ratios):.2f}  {min(ratios):.2f}  {max(ratios):.2f}")
        s = [r["staging"] for r in runs]
        print(f"{fs:12} {warm_up:8} {s[0]['copy_on_write']}; snapshot {statistics.median(x['snapshot_s'] for x in s):.2f} s of"
              f" {s[0]['snapshot_bytes'] >> 20} MB; reset {statistics.median(x['reset_s'] for x in s):.2f} s,"
              f" largest {max(x['reset_bytes'] for x in s) >> 20} MB")
PYTHON
