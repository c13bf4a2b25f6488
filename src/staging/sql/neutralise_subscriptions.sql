-- Each subscription: disabled, and without its slot, so that nothing ever connects to its publisher.
SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE)', subname) AS statement,
       format('subscription %I disabled and detached from its slot', subname) AS sentence
  FROM pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (subenabled OR subslotname IS NOT NULL)
 ORDER BY subname
