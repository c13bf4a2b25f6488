-- Every object of the current database that a migration can change: its identity and its definition, one row each.
-- Run with search_path = pg_catalog, so that all names come out qualified. Values of sequences and rows are not part of it.
-- The order of columns is an object of its own, a name a line: with one column more or less, the others have not changed.
with extension_member as (
    select classid, objid from pg_depend where deptype = 'e' and refclassid = 'pg_extension'::regclass
),
schema as (
    select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from extension_member e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid)
),
relation as (
    select c.*, quote_ident(s.nspname) || '.' || quote_ident(c.relname) as name,
           case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
                          when 'S' then 'sequence' when 'f' then 'foreign table' when 'c' then 'type' end as kind
    from pg_class c join schema s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
      and not exists (select from extension_member e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
),
routine as (
    select p.*, quote_ident(s.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name
    from pg_proc p join schema s on s.oid = p.pronamespace
    where not exists (select from extension_member e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
),
type as (
    select t.*, quote_ident(s.nspname) || '.' || quote_ident(t.typname) as name,
           case t.typtype when 'd' then 'domain' else 'type' end as kind
    from pg_type t join schema s on s.oid = t.typnamespace
    where (t.typtype in ('d', 'e', 'r', 'm') or (t.typtype = 'b' and t.typcategory <> 'A'))
      and not exists (select from extension_member e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
),
object (object, definition) as (
    select 'schema ' || quote_ident(nspname), '' from schema
    union all
    select 'extension ' || quote_ident(extname), 'version ' || extversion || ' in ' || extnamespace::regnamespace::text
    from pg_extension
    union all
    -- tables and what stands beside their columns
    select kind || ' ' || name,
           concat_ws(' ', case relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end,
                     'partition by ' || pg_get_partkeydef(oid), 'partition ' || pg_get_expr(relpartbound, oid),
                     'inherits ' || (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
                                     from pg_inherits i where i.inhrelid = r.oid),
                     'with (' || array_to_string(reloptions, ', ') || ')',
                     'tablespace ' || (select quote_ident(spcname) from pg_tablespace ts where ts.oid = r.reltablespace),
                     'using ' || (select quote_ident(amname) from pg_am am where am.oid = r.relam),
                     case when reloftype <> 0 then 'of ' || format_type(reloftype, null) end,
                     case when relrowsecurity then 'row level security' end,
                     case when relforcerowsecurity then 'forced row level security' end,
                     case relreplident when 'f' then 'replica identity full' when 'n' then 'replica identity nothing'
                                       when 'i' then 'replica identity index' end)
    from relation r where relkind in ('r', 'p', 'f')
    union all
    select kind || ' ' || name,
           concat_ws(' ', 'with (' || array_to_string(reloptions, ', ') || ')', pg_get_viewdef(oid),
                     case when relkind = 'm' and not relispopulated then 'with no data' end)
    from relation where relkind in ('v', 'm')
    union all
    select 'sequence ' || r.name,
           concat_ws(' ', case r.relpersistence when 'u' then 'unlogged' end,
                     'as', format_type(q.seqtypid, null), 'start', q.seqstart, 'increment', q.seqincrement, 'minvalue', q.seqmin,
                     'maxvalue', q.seqmax, 'cache', q.seqcache, case when q.seqcycle then 'cycle' end,
                     (select 'owned by ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
                      from pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype in ('a', 'i') limit 1))
    from relation r join pg_sequence q on q.seqrelid = r.oid
    union all
    select 'column ' || r.name || '.' || quote_ident(a.attname),
           concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                     case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation::text end,
                     case when a.attnotnull then 'not null' end,
                     case a.attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
                     case when a.attgenerated = '' then 'default ' else 'generated always as ' end || pg_get_expr(d.adbin, d.adrelid),
                     case when a.attgenerated = 's' then 'stored' end,
                     case when a.attstorage <> t.typstorage then 'storage ' || a.attstorage::text end,
                     case when a.attstattarget > -1 then 'statistics ' || a.attstattarget end,
                     -- pg_attver is the server's own count of rewrites (since 15.20 and its sisters), which pg_dump leaves out too
                     (select 'options (' || string_agg(o, ', ' order by o) || ')' from unnest(a.attoptions) o where o !~ '^pg_attver='),
                     case when a.attacl is not null
                          then 'privileges ' || (select string_agg(x::text, ', ' order by x::text) from unnest(a.attacl) x) end)
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where r.relkind in ('r', 'p', 'f', 'c', 'v', 'm')
    union all
    select 'order of the columns of ' || r.kind || ' ' || r.name,
           (select string_agg(quote_ident(a.attname), E',\n' order by a.attnum)
            from pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped)
    from relation r
    where r.relkind in ('r', 'p', 'f', 'c', 'v', 'm')
    union all
    select 'constraint ' || r.name || '.' || quote_ident(c.conname), pg_get_constraintdef(c.oid)
    from pg_constraint c join relation r on r.oid = c.conrelid
    where c.contype in ('c', 'f', 'p', 'u', 'x')
    union all
    select 'constraint ' || t.name || '.' || quote_ident(c.conname), pg_get_constraintdef(c.oid)
    from pg_constraint c join type t on t.oid = c.contypid
    where c.contype = 'c'
    union all
    select 'index ' || quote_ident(s.nspname) || '.' || quote_ident(ic.relname),
           concat_ws(' ', pg_get_indexdef(i.indexrelid), case when not i.indisvalid then 'invalid' end,
                     case when not i.indisready then 'not ready' end, case when i.indisclustered then 'clustered' end,
                     case when i.indisreplident then 'replica identity' end)
    from pg_index i join pg_class ic on ic.oid = i.indexrelid join schema s on s.oid = ic.relnamespace
    join relation r on r.oid = i.indrelid
    union all
    select 'trigger ' || r.name || '.' || quote_ident(t.tgname), pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text
    from pg_trigger t join relation r on r.oid = t.tgrelid where not t.tgisinternal
    union all
    select 'rule ' || r.name || '.' || quote_ident(w.rulename), pg_get_ruledef(w.oid) || ' enabled ' || w.ev_enabled::text
    from pg_rewrite w join relation r on r.oid = w.ev_class where w.rulename <> '_RETURN'
    union all
    select 'policy ' || r.name || '.' || quote_ident(p.polname),
           concat_ws(' ', case when p.polpermissive then 'permissive' else 'restrictive' end, 'for', p.polcmd::text,
                     'to ' || (select string_agg(case when x = 0 then 'public' else x::regrole::text end, ', ' order by x) from unnest(p.polroles) x),
                     'using ' || pg_get_expr(p.polqual, p.polrelid), 'with check ' || pg_get_expr(p.polwithcheck, p.polrelid))
    from pg_policy p join relation r on r.oid = p.polrelid
    union all
    select 'statistics ' || quote_ident(s.nspname) || '.' || quote_ident(x.stxname), pg_get_statisticsobjdef(x.oid)
    from pg_statistic_ext x join schema s on s.oid = x.stxnamespace
    union all
    -- functions and types
    select case prokind when 'p' then 'procedure ' when 'a' then 'aggregate ' else 'function ' end || name,
           case when prokind = 'a' then pg_get_function_result(oid) || ' ' ||
                     (select a.aggtransfn::text || ' ' || a.aggfinalfn::text || ' ' || coalesce(a.agginitval, '') from pg_aggregate a where a.aggfnoid = routine.oid)
                else pg_get_functiondef(oid) end
    from routine
    union all
    select kind || ' ' || name,
           case typtype
               when 'e' then 'enum (' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = type.oid) || ')'
               when 'd' then concat_ws(' ', format_type(typbasetype, typtypmod), case when typnotnull then 'not null' end, 'default ' || typdefault)
               when 'r' then 'range of ' || (select format_type(g.rngsubtype, null) from pg_range g where g.rngtypid = type.oid)
               else 'type' end
    from type
    union all
    select 'event trigger ' || quote_ident(evtname),
           concat_ws(' ', evtevent, evtfoid::regprocedure::text, evtenabled::text, array_to_string(evttags, ', '))
    from pg_event_trigger
    union all
    select 'publication ' || quote_ident(p.pubname),
           concat_ws(' ', case when p.puballtables then 'all tables' end, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,
                     (select string_agg(pr.prrelid::regclass::text, ', ' order by pr.prrelid::regclass::text)
                      from pg_publication_rel pr where pr.prpubid = p.oid))
    from pg_publication p
    union all
    -- owners and privileges; a privilege list that was never touched counts as what it stands for
    select 'owner of schema ' || quote_ident(nspname), nspowner::regrole::text from schema
    union all
    select 'owner of ' || kind || ' ' || name, relowner::regrole::text from relation
    union all
    select 'owner of function ' || name, proowner::regrole::text from routine
    union all
    select 'owner of ' || kind || ' ' || name, typowner::regrole::text from type
    union all
    select 'privileges on schema ' || quote_ident(nspname),
           (select string_agg(x::text, ', ' order by x::text) from unnest(coalesce(nspacl, acldefault('n', nspowner))) x)
    from schema
    union all
    select 'privileges on ' || kind || ' ' || name,
           (select string_agg(x::text, ', ' order by x::text)
            from unnest(coalesce(relacl, acldefault(case when relkind = 'S' then 's' else 'r' end::"char", relowner))) x)
    from relation where relkind <> 'c'
    union all
    select 'privileges on function ' || name,
           (select string_agg(x::text, ', ' order by x::text) from unnest(coalesce(proacl, acldefault('f', proowner))) x)
    from routine
    union all
    select 'privileges on ' || kind || ' ' || name,
           (select string_agg(x::text, ', ' order by x::text) from unnest(coalesce(typacl, acldefault('T', typowner))) x)
    from type
    union all
    select 'default privileges of ' || defaclrole::regrole::text || ' in ' ||
           case defaclnamespace when 0 then 'all schemas' else defaclnamespace::regnamespace::text end || ' for ' || defaclobjtype::text,
           (select string_agg(x::text, ', ' order by x::text) from unnest(defaclacl) x)
    from pg_default_acl
    union all
    select 'comment on ' || pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
    from pg_description d
    where d.objoid >= 16384
      and not exists (select from extension_member e where e.classid = d.classoid and e.objid = d.objoid)
    union all
    -- the rarer kinds: that they exist
    select pg_describe_object(k.classid, k.oid, 0), ''
    from (select 'pg_cast'::regclass as classid, oid from pg_cast
          union all select 'pg_operator'::regclass, oid from pg_operator
          union all select 'pg_opclass'::regclass, oid from pg_opclass
          union all select 'pg_opfamily'::regclass, oid from pg_opfamily
          union all select 'pg_ts_config'::regclass, oid from pg_ts_config
          union all select 'pg_ts_dict'::regclass, oid from pg_ts_dict
          union all select 'pg_collation'::regclass, oid from pg_collation
          union all select 'pg_conversion'::regclass, oid from pg_conversion
          union all select 'pg_language'::regclass, oid from pg_language
          union all select 'pg_foreign_data_wrapper'::regclass, oid from pg_foreign_data_wrapper
          union all select 'pg_foreign_server'::regclass, oid from pg_foreign_server) k
    where k.oid >= 16384
      and not exists (select from extension_member e where e.classid = k.classid and e.objid = k.oid)
    union all
    select 'role ' || quote_ident(rolname),
           concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit)
    from pg_roles where oid >= 16384
    union all
    select 'settings of ' || coalesce(nullif(setrole, 0)::regrole::text, 'all roles') || ' in this database', array_to_string(setconfig, ', ')
    from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())
)
select object, coalesce(definition, '') from object order by object collate "C", definition collate "C";
