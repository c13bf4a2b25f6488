-- Every transaction of a profile: it writes nothing, does not wait for locks, and is short.
BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;
SET LOCAL search_path = pg_catalog;
SET LOCAL lock_timeout = '200ms';
SET LOCAL statement_timeout = '1500ms';
SET LOCAL idle_in_transaction_session_timeout = '10s';
SET LOCAL standard_conforming_strings = on;
