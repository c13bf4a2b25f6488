-- The values that the sequences stand at, as statements for the sample.
SELECT format('SELECT pg_catalog.setval(%L, %s)', format('%I.%I', schemaname, sequencename), last_value)
  FROM pg_sequences
 WHERE last_value IS NOT NULL
