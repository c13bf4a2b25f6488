-- pg_stat_statements of this database, the 500 that took longest. PostgreSQL leaves constants in the texts of utility statements
-- and, when entries are evicted, in others: each is $0 here; comments are gone; a text that cannot be read safely is null.
-- to_jsonb reads columns by their names in any version.
WITH entries AS (
    SELECT s.queryid, s.query, to_jsonb(s) - 'query' AS j
      FROM pg_stat_statements s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
), longest AS (
    SELECT queryid, query, j, coalesce(j->>'total_exec_time', j->>'total_time')::float8 AS total_ms
      FROM entries
     ORDER BY 4 DESC
     LIMIT 500
), marked AS (
    -- A kept token becomes 2 token 3 1, a constant 2 3 1, a comment 2 3 - 1 or 2 3 / 1 (control characters). The longest
    -- alternative wins.
    SELECT l.*,
           regexp_replace(query,
               '("(?:[^"]|"")*"|\$[0-9]+|[[:alpha:]_][[:alnum:]_$]*|(?:varchar|varying|character|char|bpchar|numeric|decimal|bit|varbit|timestamp|timestamptz|time|timetz|interval)\s*\(\s*[0-9]+\s*(?:,\s*[0-9]+\s*)?\))'
               || '|(?:[bxen]|u&)?''(?:[^'']|'''')*''|\.?[0-9][[:alnum:]_.]*'
               || '|(-)-[^\n\r]*|(/)\*(?:[^*]|\*+[^*/])*\*+/',
               chr(2) || '\1' || chr(3) || '\2\3' || chr(1), 'gi') AS text
      FROM longest l
     WHERE length(query) <= 20000 AND query <> '<insufficient privilege>'
       AND query !~ '\\|\$([^0-9$ ,()][^$ ,()]*)?\$|[\x01-\x03]'
), redacted AS (
    SELECT queryid, j,
           translate(regexp_replace(replace(text, chr(2) || chr(3) || chr(1), '$0'), '\x02\x03[-/]\x01', ' ', 'g'),
                     chr(1) || chr(2) || chr(3), '') AS text,
           regexp_replace(text, '\x02[^\x01]*\x01', '', 'g') AS rest
      FROM marked
)
SELECT l.queryid::text AS queryid,
       CASE WHEN r.rest !~ '["'']|--|/\*|\*/' THEN r.text END AS query,
       (l.j->>'toplevel')::bool AS toplevel,
       (l.j->>'calls')::bigint AS calls,
       l.total_ms / 1000 AS total_s,
       (l.j->>'rows')::bigint AS rows,
       (l.j->>'shared_blks_hit')::bigint AS blocks_hit,
       (l.j->>'shared_blks_read')::bigint AS blocks_read,
       (l.j->>'temp_blks_written')::bigint AS temp_blocks_written,
       (l.j->>'wal_bytes')::bigint AS wal_bytes
  FROM longest l
  LEFT JOIN redacted r ON r.queryid = l.queryid AND r.j = l.j
 ORDER BY l.total_ms DESC
