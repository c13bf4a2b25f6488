-- What keeps this database from being dropped. Its prepared transactions, and each subscription, let go without a word to its publisher:
-- without a slot, DROP calls the publisher only for tables not yet copied; the connection then leads nowhere.
SELECT format('ROLLBACK PREPARED %L', gid) AS statement
  FROM pg_prepared_xacts
 WHERE database = current_database()
UNION ALL
SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); '
              'ALTER SUBSCRIPTION %1$I CONNECTION ''host=/nonexistent''; DROP SUBSCRIPTION %1$I', subname)
  FROM pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
