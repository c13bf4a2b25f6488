-- The schema of the history table: where the session first looked, whatever search_path says since.
select set_config('pgrehearse.history_schema',
                  coalesce(nullif(current_setting('pgrehearse.history_schema', true), ''), current_schema()),
                  false);
