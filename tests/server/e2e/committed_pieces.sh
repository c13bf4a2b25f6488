#!/bin/sh
# Procedures that commit on their way: their rows count by the piece, and a lock as long as its own transaction held it.
. "$(dirname "$0")/lib.sh"
rm -f "$work/migrations/"*
{
    cat <<'SQL'
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.ledger (id bigint PRIMARY KEY, note text);
ALTER TABLE public.ledger OWNER TO shop_owner;
CREATE TABLE public.other (id bigint PRIMARY KEY, note text);
ALTER TABLE public.other OWNER TO shop_owner;
SQL
    for table in ledger other; do
        echo "COPY public.$table (id, note) FROM stdin;"
        seq 40000 | sed 's/$/	x/'
        echo '\.'
    done
} >"$work/backup.sql"
backup=$work/backup.sql

migration 001_fill.sql "CREATE PROCEDURE public.fill(step bigint) LANGUAGE plpgsql AS \$\$
BEGIN
    LOCK TABLE public.other IN ACCESS EXCLUSIVE MODE;
    PERFORM pg_sleep(0.3);
    COMMIT;
    FOR start IN 0 .. 39999 BY step LOOP
        UPDATE public.ledger SET note = 'y' WHERE id > start AND id <= start + step;
        COMMIT;
    END LOOP;
    PERFORM pg_sleep(4);
END \$\$;
CALL public.fill(2000);
CREATE PROCEDURE public.all_at_once() LANGUAGE plpgsql AS \$\$
BEGIN
    UPDATE public.other SET note = 'z';
    COMMIT;
END \$\$;
CALL public.all_at_once();"
scenario 'migrations: {path: migrations, framework: sql}' 'rollback: false'
fact 'the run itself'
rehearse 0 --pass quiet
valid_report
pieces() {
    report 's={s.ordinal: s for s in r.migrations[0].statements}' "$1"
}
fact 'rows that are committed in batches are not one transaction'
pieces "not any(h['rule'] == 'whole-table-update' for h in s[2]['hazards'])"
fact 'rows that are committed once are'
pieces "any(h['rule'] == 'whole-table-update' and h['state'] == 'measured' for h in s[4]['hazards'])"
fact 'a lock is held by its own transaction only: released 4 s and the batches before the end'
pieces "[[u for u in s[2]['runs'] if u['pass'] == 'quiet'][0]['elapsed_s'] - l['held_s'] > 3 for l in s[2]['locks'] if l['mode'] == 'AccessExclusiveLock'] == [True]"
fact 'and was observed'
pieces "not any(l['inferred'] for l in s[2]['locks'])"
fact 'no processes or files are left'
nothing_left
