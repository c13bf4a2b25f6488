-- Every object of the current database that a migration can change: its identity and its definition, one row each.
-- Run with search_path = pg_catalog, so that all names come out qualified. Values of sequences and rows are not part of it.
-- The order of columns is an object of its own (is_column_order), a name a line: with one column more or less, the
-- others have not changed.
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
collation_ as ( -- regcollation is since 13
    select o.oid, case when n.nspname <> 'pg_catalog' then quote_ident(n.nspname) || '.' else '' end || quote_ident(o.collname) as name
    from pg_collation o join pg_namespace n on n.oid = o.collnamespace
),
object (object, definition) as (
    select 'schema ' || quote_ident(nspname), '' from schema
    union all
    select 'extension ' || quote_ident(extname), 'version ' || extversion || ' in ' || extnamespace::regnamespace::text
    from pg_extension
    union all
    select 'owner of extension ' || quote_ident(extname), extowner::regrole::text from pg_extension
    union all
    -- tables, without their columns
    select kind || ' ' || name,
           concat_ws(' ', case relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end,
                     'partition by ' || pg_get_partkeydef(oid), 'partition ' || pg_get_expr(relpartbound, oid),
                     'inherits ' || (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
                                     from pg_inherits i where i.inhrelid = r.oid),
                     'with (' || array_to_string(reloptions, ', ') || ')',
                     'toast with (' || (select array_to_string(ts.reloptions, ', ') from pg_class ts where ts.oid = r.reltoastrelid) || ')',
                     'tablespace ' || (select quote_ident(spcname) from pg_tablespace ts where ts.oid = r.reltablespace),
                     'server ' || (select quote_ident(v.srvname) from pg_foreign_table ft join pg_foreign_server v on v.oid = ft.ftserver
                                   where ft.ftrelid = r.oid),
                     'using ' || (select quote_ident(amname) from pg_am am where am.oid = r.relam),
                     case when reloftype <> 0 then 'of ' || format_type(reloftype, null) end,
                     case when relrowsecurity then 'row level security' end,
                     case when relforcerowsecurity then 'forced row level security' end,
                     case relreplident when 'f' then 'replica identity full' when 'n' then 'replica identity nothing'
                                       when 'i' then 'replica identity index' end)
    from relation r where relkind in ('r', 'p', 'f')
    union all
    select kind || ' ' || name,
           concat_ws(' ', 'with (' || array_to_string(reloptions, ', ') || ')',
                     'tablespace ' || (select quote_ident(spcname) from pg_tablespace ts where ts.oid = r.reltablespace),
                     case relkind when 'm' then 'using ' || (select quote_ident(amname) from pg_am am where am.oid = r.relam) end,
                     pg_get_viewdef(oid), case when relkind = 'm' and not relispopulated then 'with no data' end)
    from relation r where relkind in ('v', 'm')
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
                     case when a.attcollation <> t.typcollation then 'collate ' || (select o.name from collation_ o where o.oid = a.attcollation) end,
                     case when a.attnotnull then 'not null' end,
                     case a.attidentity when 'a' then 'generated always as identity' when 'd' then 'generated by default as identity' end,
                     case when a.attgenerated = '' then 'default ' else 'generated always as ' end || pg_get_expr(d.adbin, d.adrelid),
                     case when a.attgenerated = 's' then 'stored' end,
                     case when a.attstorage <> t.typstorage then 'storage ' || a.attstorage::text end,
                     -- since 14
                     'compression ' || nullif(to_jsonb(a) ->> 'attcompression', ''),
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
    -- a foreign key is only as good as its triggers, which DISABLE TRIGGER ALL switches off
    select 'constraint ' || r.name || '.' || quote_ident(c.conname),
           concat_ws(' ', pg_get_constraintdef(c.oid), case when not c.conislocal then 'inherited' end,
                     'with triggers enabled ' ||
                     (select string_agg(distinct t.tgenabled::text, ', ') from pg_trigger t
                      where t.tgconstraint = c.oid and t.tgisinternal and t.tgenabled <> 'O'))
    from pg_constraint c join relation r on r.oid = c.conrelid
    where c.contype in ('c', 'f', 'p', 'u', 'x', 'n') -- n, NOT NULL: since 18
    union all
    select 'constraint ' || t.name || '.' || quote_ident(c.conname), pg_get_constraintdef(c.oid)
    from pg_constraint c join type t on t.oid = c.contypid
    where c.contype = 'c'
    union all
    select 'index ' || quote_ident(s.nspname) || '.' || quote_ident(ic.relname),
           concat_ws(' ', pg_get_indexdef(i.indexrelid), case when not i.indisvalid then 'invalid' end,
                     case when not i.indisready then 'not ready' end, case when i.indisclustered then 'clustered' end,
                     case when i.indisreplident then 'replica identity' end,
                     'tablespace ' || (select quote_ident(spcname) from pg_tablespace ts where ts.oid = ic.reltablespace),
                     'partition of ' || (select h.inhparent::regclass::text from pg_inherits h where h.inhrelid = i.indexrelid),
                     (select string_agg('statistics ' || a.attstattarget || ' of column ' || a.attnum, ', ' order by a.attnum)
                      from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget > -1))
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
    select 'statistics ' || quote_ident(s.nspname) || '.' || quote_ident(x.stxname),
           concat_ws(' ', pg_get_statisticsobjdef(x.oid), 'target ' || nullif(to_jsonb(x) ->> 'stxstattarget', '-1'))
    from pg_statistic_ext x join schema s on s.oid = x.stxnamespace
    union all
    -- functions and types
    select case prokind when 'p' then 'procedure ' when 'a' then 'aggregate ' else 'function ' end || name,
           case when prokind = 'a' then
                    (select concat_ws(' ', pg_get_function_result(routine.oid), a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
                                      a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggsortop::regoperator,
                                      format_type(a.aggtranstype, null), a.aggtransspace, a.agginitval, a.aggminitval, routine.proparallel)
                     from pg_aggregate a where a.aggfnoid = routine.oid)
                else pg_get_functiondef(oid) end
    from routine
    union all
    select kind || ' ' || name,
           case typtype
               when 'e' then 'enum (' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = type.oid) || ')'
               when 'd' then concat_ws(' ', format_type(typbasetype, typtypmod),
                                       case when typcollation <> (select b.typcollation from pg_type b where b.oid = type.typbasetype)
                                            then 'collate ' || (select o.name from collation_ o where o.oid = typcollation) end,
                                       case when typnotnull then 'not null' end, 'default ' || typdefault)
               when 'r' then (select concat_ws(' ', 'range of', format_type(g.rngsubtype, null), (select o.name from collation_ o where o.oid = g.rngcollation),
                                               g.rngcanonical, g.rngsubdiff,
                                               (select o.opcname from pg_opclass o where o.oid = g.rngsubopc))
                              from pg_range g where g.rngtypid = type.oid)
               else concat_ws(' ', 'type', typinput, typoutput, typreceive, typsend, typlen, typbyval, typalign, typstorage, typcategory, typdefault)
           end
    from type
    union all
    select 'event trigger ' || quote_ident(evtname),
           concat_ws(' ', evtevent, evtfoid::regprocedure::text, evtenabled::text, array_to_string(evttags, ', '))
    from pg_event_trigger
    union all
    select 'publication ' || quote_ident(p.pubname),
           concat_ws(' ', case when p.puballtables then 'all tables' end, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate,
                     case when (to_jsonb(p) ->> 'pubviaroot')::bool then 'via root' end, -- since 13
                     (select string_agg(pr.prrelid::regclass::text, ', ' order by pr.prrelid::regclass::text)
                      from pg_publication_rel pr where pr.prpubid = p.oid))
    from pg_publication p
    union all
    select 'subscription ' || quote_ident(subname),
           concat_ws(' ', case when not subenabled then 'disabled' end, array_to_string(subpublications, ', '))
    from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())
    union all
    -- owners and privileges; a privilege list that is NULL counts as the default privileges
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
    -- objects of an extension whose privileges were changed
    select 'privileges on ' || pg_describe_object(classid, oid, 0), array_to_string(array(select i::text from unnest(acl) i order by 1), ', ')
    from (select x.classid, x.oid, coalesce(x.acl, x.standard) as acl, coalesce(p.initprivs, x.standard) as initial
          from (select 'pg_class'::regclass as classid, oid, relacl as acl,
                       acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner) as standard from pg_class
                union all select 'pg_proc'::regclass, oid, proacl, acldefault('f', proowner) from pg_proc) x
          join extension_member e on e.classid = x.classid and e.objid = x.oid
          left join pg_init_privs p on p.classoid = x.classid and p.objoid = x.oid and p.objsubid = 0) member
    where not (acl @> initial and initial @> acl)
    union all
    -- the rarer kinds
    select pg_describe_object(k.classid, k.oid, 0), k.definition
    from (select 'pg_cast'::regclass as classid, oid, concat_ws(' ', nullif(castfunc, 0)::regprocedure, castcontext, castmethod) as definition from pg_cast
          union all
          select 'pg_operator'::regclass, oid,
                 concat_ws(' ', oprcode, nullif(oprcom, 0)::regoperator, nullif(oprnegate, 0)::regoperator, oprrest, oprjoin,
                           case when oprcanmerge then 'merges' end, case when oprcanhash then 'hashes' end)
          from pg_operator
          union all
          select 'pg_opclass'::regclass, o.oid,
                 concat_ws(' ', case when o.opcdefault then 'default' end, 'for', format_type(o.opcintype, null),
                           (select f.opfname from pg_opfamily f where f.oid = o.opcfamily))
          from pg_opclass o
          union all
          select 'pg_opfamily'::regclass, f.oid,
                 concat_ws(' ', (select string_agg(o.amopstrategy || ' ' || o.amopopr::regoperator, ', ' order by o.amopstrategy, o.amopopr::regoperator::text)
                                 from pg_amop o where o.amopfamily = f.oid),
                           (select string_agg(p.amprocnum || ' ' || p.amproc, ', ' order by p.amprocnum, p.amproc::text)
                            from pg_amproc p where p.amprocfamily = f.oid))
          from pg_opfamily f
          union all
          select 'pg_ts_config'::regclass, c.oid,
                 (select string_agg(m.maptokentype || ' ' || m.mapdict::regdictionary, ', ' order by m.maptokentype, m.mapseqno)
                  from pg_ts_config_map m where m.mapcfg = c.oid)
          from pg_ts_config c
          union all select 'pg_ts_dict'::regclass, oid, dictinitoption from pg_ts_dict
          union all
          -- columns that differ between versions: the locale's name among them
          select 'pg_collation'::regclass, c.oid,
                 (to_jsonb(c) - '{oid,collname,collnamespace,collowner,collversion}'::text[])::text
          from pg_collation c
          union all select 'pg_conversion'::regclass, oid, concat_ws(' ', conproc, case when condefault then 'default' end) from pg_conversion
          union all
          select 'pg_language'::regclass, oid,
                 concat_ws(' ', case when lanpltrusted then 'trusted' end, nullif(lanplcallfoid, 0)::regprocedure, lanacl) from pg_language
          union all
          select 'pg_foreign_data_wrapper'::regclass, oid,
                 concat_ws(' ', nullif(fdwhandler, 0)::regprocedure, nullif(fdwvalidator, 0)::regprocedure, 'privileges', fdwacl)
          from pg_foreign_data_wrapper
          union all
          select 'pg_foreign_server'::regclass, v.oid,
                 concat_ws(' ', (select quote_ident(fdwname) from pg_foreign_data_wrapper w where w.oid = v.srvfdw), v.srvtype, v.srvversion, 'privileges', v.srvacl)
          from pg_foreign_server v
          union all select 'pg_transform'::regclass, oid, concat_ws(' ', nullif(trffromsql, 0)::regprocedure, nullif(trftosql, 0)::regprocedure) from pg_transform
          union all select 'pg_am'::regclass, oid, amhandler::text from pg_am) k
    where k.oid >= 16384
      and not exists (select from extension_member e where e.classid = k.classid and e.objid = k.oid)
    union all
    -- recorded for all that a role other than the first superuser owns; those above have a line of their own
    select 'owner of ' || pg_describe_object(d.classid, d.objid, d.objsubid), d.refobjid::regrole::text
    from pg_shdepend d
    where d.dbid = (select oid from pg_database where datname = current_database()) and d.deptype = 'o'
      and d.classid not in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass, 'pg_extension'::regclass,
                            'pg_largeobject'::regclass)
      and not exists (select from extension_member e where e.classid = d.classid and e.objid = d.objid)
    union all
    select 'role ' || quote_ident(rolname),
           concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil)
    from pg_roles where oid >= 16384
    union all
    select 'roles that ' || quote_ident(r.rolname) || ' is a member of',
           string_agg(m.roleid::regrole::text || case when m.admin_option then ' with admin option' else '' end, ', ' order by m.roleid::regrole::text)
    from pg_auth_members m join pg_roles r on r.oid = m.member
    where r.oid >= 16384
    group by r.rolname
    union all
    select 'privileges on this database',
           (select string_agg(x::text, ', ' order by x::text) from unnest(coalesce(datacl, acldefault('d', datdba))) x)
    from pg_database where datname = current_database()
),
column_order (object, definition) as (
    select 'order of the columns of ' || r.kind || ' ' || r.name,
           (select string_agg(quote_ident(a.attname), E',\n' order by a.attnum)
            from pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped)
    from relation r
    where r.relkind in ('r', 'p', 'f', 'c', 'v', 'm')
),
-- texts and values of the user's, hosts and passwords among them: that they differ is shown, not what they are
hidden (object, definition) as (
    select 'comment on ' || pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
    from pg_description d
    where (d.objoid >= 16384 or (d.classoid = 'pg_namespace'::regclass and d.objoid = 'public'::regnamespace))
      and not exists (select from extension_member e where e.classid = d.classoid and e.objid = d.objoid)
    union all
    select 'comment on this database', d.description
    from pg_shdescription d join pg_database b on b.oid = d.objoid and b.datname = current_database()
    where d.classoid = 'pg_database'::regclass
    union all
    select 'comment on role ' || quote_ident(r.rolname), d.description
    from pg_shdescription d join pg_roles r on r.oid = d.objoid where d.classoid = 'pg_authid'::regclass
    union all
    select 'security label (' || l.provider || ') of ' || pg_describe_object(l.classoid, l.objoid, l.objsubid), l.label
    from pg_seclabel l
    union all
    select 'options of ' || pg_describe_object(k.classid, k.oid, 0), array_to_string(k.options, ', ')
    from (select 'pg_foreign_data_wrapper'::regclass as classid, oid, fdwoptions as options from pg_foreign_data_wrapper
          union all select 'pg_foreign_server'::regclass, oid, srvoptions from pg_foreign_server
          union all select 'pg_class'::regclass, ftrelid, ftoptions from pg_foreign_table) k
    where k.options is not null
    union all
    select 'options of ' || pg_describe_object('pg_class'::regclass, a.attrelid, a.attnum), array_to_string(a.attfdwoptions, ', ')
    from pg_attribute a where a.attfdwoptions is not null
    union all
    select 'options of user mapping for ' || case umuser when 0 then 'public' else umuser::regrole::text end || ' on server ' || quote_ident(srvname),
           array_to_string(umoptions, ', ')
    from pg_user_mappings
    union all
    select 'settings of ' || coalesce(nullif(setrole, 0)::regrole::text, 'all roles') || ' in ' || case setdatabase when 0 then 'all databases' else 'this database' end,
           array_to_string(setconfig, ', ')
    from pg_db_role_setting where setdatabase in (0, (select oid from pg_database where datname = current_database()))
)
select object, coalesce(definition, ''), is_column_order, is_hidden
from (select object, definition, false as is_column_order, false as is_hidden from object
      union all select object, definition, true, false from column_order
      union all select object, definition, false, true from hidden) everything
order by object collate "C", definition collate "C";
