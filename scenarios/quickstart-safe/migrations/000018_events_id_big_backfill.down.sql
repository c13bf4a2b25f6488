-- Nothing to undo: the down migration of 000017 drops the column with its values.
SELECT 1;
