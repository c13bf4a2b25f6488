-- Of the whole database, one row.
SELECT pg_database_size(current_database()) AS database_bytes
