-- Whether this server may be rehearsed on at all, and whether this role can make databases.
SELECT pg_is_in_recovery() AS in_recovery,
       rolcreatedb OR rolsuper AS may_create
  FROM pg_roles
 WHERE rolname = current_user
