-- Nothing to undo: the way down of 000017 drops the column with its values.
SELECT 1;
