#!/bin/sh
# Statements that run on the whole and not on a sample: why they have no scaled pass is told, the others have theirs, and
# nothing is surer for it.
. "$(dirname "$0")/lib.sh"

cat >"$work/grow.sql" <<'SQL'
CREATE TABLE parents AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 200000) g;
ALTER TABLE parents ADD PRIMARY KEY (id);
CREATE TABLE children AS SELECT g AS id, 200001 - g AS parent_id, md5(g::text) AS note FROM generate_series(1, 200000) g;
SQL
# a key that no parse sees, so that the sample does not have the rows that it points at
migration 000012_key.up.sql "DO \$\$ BEGIN
    EXECUTE 'ALTER TABLE children ADD FOREIGN KEY (parent_id) REFERENCES parents (id)';
END \$\$;"
migration 000013_index.up.sql 'CREATE INDEX children_by_note ON children (note);'
repeat=2
scenario "prepare: [{sql: $work/grow.sql}]" 'migrations: {path: migrations}' 'rollback: false' \
    'gates: {predicted_duration: 1h}'
rehearse 3 --pass scaled --pass quiet
valid_report
fact 'a statement that does not run on a sample is reported, the others have their scaled pass'
report "any('migration 000012: it does not run on a sample' in s and 'foreign key' in s for s in (n['text'] for n in r['not_measured']))"
report "not any('000013: it does not run' in s for s in (n['text'] for n in r['not_measured']))"
report "not any(b['migration'] == '000012' for b in r['prediction']['backtest']['rows'])"
report "any(b['migration'] == '000013' for b in r['prediction']['backtest']['rows'])"
fact 'no interval without a sample: inconclusive'
report "[m for m in r['migrations'] if m['id'] == '000012'][0]['outcome'] == 'ok'"
report "[m for m in r['migrations'] if m['id'] == '000012'][0]['statements'][0]['prediction']['high_s'] is None"
report "r['prediction']['high_s'] is None and r['gates'][0]['outcome'] == 'not_measured' and r['verdict'] == 'inconclusive'"
nothing_left
