-- Nothing to undo: the down migration of 000012 drops the columns with their values.
SELECT 1;
