-- The last value that each sequence gave (null: none yet), and whether it counts upwards.
select format('%I.%I', schemaname, sequencename) collate "C" as name, last_value, increment_by > 0 as upwards
from pg_sequences
where schemaname !~ '^pg_'
order by name;
