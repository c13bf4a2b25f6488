-- Each subscription of this database, let go without a word to its publisher: a database that has one cannot be dropped.
-- Without a slot, DROP calls the publisher only for tables not yet copied; the connection then leads nowhere.
SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); '
              'ALTER SUBSCRIPTION %1$I CONNECTION ''host=/nonexistent''; DROP SUBSCRIPTION %1$I', subname) AS statement
  FROM pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY subname
