-- Rows of which the backfill changed a column (one of the numbers $1, a text array, within the journal's arrays) back to what it had been
-- before an application's commit that it had not seen; and the numbers of these columns.
SELECT pg_catalog.count(DISTINCT b.key), pg_catalog.array_to_string(pg_catalog.array_agg(DISTINCT c.number ORDER BY c.number), ',')
FROM pgrehearse_proof.journal b
     JOIN pgrehearse_proof.journal a ON a.key = b.key AND a.seq < b.seq AND NOT a.backfill AND a.op = 'UPDATE',
     pg_catalog.unnest($1::int[]) AS c (number)
WHERE b.backfill AND b.op = 'UPDATE' AND a.old[c.number] <> a.new[c.number]
      AND b.old[c.number] = a.new[c.number] AND b.new[c.number] = a.old[c.number]
