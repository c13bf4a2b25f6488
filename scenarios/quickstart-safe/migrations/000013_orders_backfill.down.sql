-- Nothing to undo: the way down of 000012 drops the columns with their values.
SELECT 1;
