/* Statement → class, phase, lock; and the hazards of whole files. */
#include "plan_fixture.h"

/* "class phase lock relation [no transaction]" of the one statement. */
static const char *classify(const char *sql, rh_arena *arena)
{
    fixture *f = fixture_begin();
    fixture_file(f, "1.sql", sql);
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.migrations[0].up.statement_count, 1);
    const rh_statement *s = f->plan.migrations[0].up.statements;
    const char *text = rh_arena_printf(arena, "%s %s %s %s%s", rh_statement_class_name(s->class_),
                                       rh_phase_name(s->phase) ? rh_phase_name(s->phase) : "-",
                                       s->expected_lock ? rh_lock_mode_name(s->expected_lock) : "-",
                                       s->expected_relation ? s->expected_relation : "-",
                                       s->needs_no_transaction ? " alone" : "");
    fixture_end(f);
    return text;
}

static void test_classes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"alter table s.t add column a int", "catalog expand AccessExclusiveLock s.t"},
        {"alter table \"Odd Name\" add a int default 5 not null",
         "catalog expand AccessExclusiveLock \"Odd Name\""},
        {"alter table t add a timestamptz default now()", "catalog expand AccessExclusiveLock t"},
        {"alter table t add a date default current_date", "catalog expand AccessExclusiveLock t"},
        {"alter table t add a text default lower('X' || current_user)",
         "catalog expand AccessExclusiveLock t"},
        {"alter table t add a uuid default gen_random_uuid()", "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a float default (1 + random())", "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a timestamptz default pg_catalog.clock_timestamp()",
         "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a int default my_function()", "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a bigserial", "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a int generated always as identity", "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a int generated always as (b + 1) stored",
         "rewrite expand AccessExclusiveLock t"},
        {"alter table t add a int references u", "catalog expand AccessExclusiveLock t"},
        {"alter table t add a int default 1 references u", "foreign_key expand AccessExclusiveLock t"},
        {"alter table t add a int check (a > 0)", "heap_scan expand AccessExclusiveLock t"},
        {"alter table t drop column a", "catalog contract AccessExclusiveLock t"},
        {"alter table t alter a set not null", "heap_scan contract AccessExclusiveLock t"},
        {"alter table t alter a drop not null", "catalog expand AccessExclusiveLock t"},
        {"alter table t alter a type text", "rewrite contract AccessExclusiveLock t"},
        {"alter table t add constraint c check (a > 0)", "heap_scan expand AccessExclusiveLock t"},
        {"alter table t add constraint c check (a > 0) not valid", "catalog expand AccessExclusiveLock t"},
        {"alter table t validate constraint c", "validation migrate ShareUpdateExclusiveLock t"},
        {"alter table t add foreign key (a) references u", "foreign_key expand ShareRowExclusiveLock t"},
        {"alter table t add foreign key (a) references u not valid",
         "catalog expand ShareRowExclusiveLock t"},
        {"alter table t add unique (a)", "index_build expand AccessExclusiveLock t"},
        {"alter table t add primary key using index i", "catalog expand AccessExclusiveLock t"},
        {"alter table t set (fillfactor = 70)", "catalog - ShareUpdateExclusiveLock t"},
        {"alter table t set (fillfactor = 70), alter a set statistics 100",
         "catalog - ShareUpdateExclusiveLock t"},
        {"alter table t validate constraint c, drop column b", "validation contract AccessExclusiveLock t"},
        {"alter table t disable trigger all", "catalog - ShareRowExclusiveLock t"},
        {"alter table t attach partition p for values in (1)", "heap_scan expand ShareUpdateExclusiveLock t"},
        {"alter table t detach partition p", "catalog contract AccessExclusiveLock t"},
        {"alter table t detach partition p concurrently",
         "catalog contract ShareUpdateExclusiveLock t alone"},
        {"alter table t rename a to b", "catalog contract AccessExclusiveLock t"},
        {"alter index i rename to j", "catalog contract ShareUpdateExclusiveLock i"},
        {"alter table t set schema x", "catalog contract AccessExclusiveLock t"},
        {"create index on t (a)", "index_build expand ShareLock t"},
        {"create unique index concurrently i on s.t (a)",
         "index_concurrent expand ShareUpdateExclusiveLock s.t alone"},
        {"drop index i", "catalog contract AccessExclusiveLock i"},
        {"drop index concurrently s.i", "catalog contract ShareUpdateExclusiveLock s.i alone"},
        {"drop table a, b", "catalog contract AccessExclusiveLock a"},
        {"drop trigger x on s.t", "catalog contract AccessExclusiveLock s.t"},
        {"drop function f(int)", "catalog contract - -"},
        {"create table a (b int)", "catalog expand - -"},
        {"create table a (b int references c)", "catalog expand ShareRowExclusiveLock c"},
        {"create table a (b int, foreign key (b) references s.c)",
         "catalog expand ShareRowExclusiveLock s.c"},
        {"create table p partition of a for values in (1)", "catalog expand AccessExclusiveLock a"},
        {"create table a as select 1", "data_change expand - -"},
        {"create trigger x before insert on t for each row execute function f()",
         "catalog expand ShareRowExclusiveLock t"},
        {"insert into t values (1)", "data_change migrate RowExclusiveLock t"},
        {"update t set a = 1", "data_change migrate RowExclusiveLock t"},
        {"with a as (select 1) delete from s.t using a", "data_change migrate RowExclusiveLock s.t"},
        {"merge into t using s on true when matched then delete", "data_change migrate RowExclusiveLock t"},
        {"select * from t", "query - AccessShareLock t"},
        {"select * from t for update", "query - RowShareLock t"},
        {"vacuum t", "maintenance - ShareUpdateExclusiveLock t alone"},
        {"vacuum (full) t", "maintenance - AccessExclusiveLock t alone"},
        {"analyze t", "maintenance - ShareUpdateExclusiveLock t"},
        {"reindex table t", "maintenance - ShareLock t"},
        {"reindex table concurrently t", "maintenance - ShareUpdateExclusiveLock t alone"},
        {"reindex schema s", "maintenance - - - alone"},
        {"cluster t using i", "maintenance - AccessExclusiveLock t"},
        {"refresh materialized view concurrently m", "maintenance migrate ExclusiveLock m"},
        {"lock table t in share mode", "transaction - ShareLock t"},
        {"truncate a, b", "catalog contract AccessExclusiveLock a"},
        {"begin", "transaction - - -"},
        {"set lock_timeout = '1s'", "transaction - - -"},
        {"do $$ begin end $$", "procedure - - -"},
        {"call p()", "procedure - - -"},
        {"create database d", "catalog - - - alone"},
        {"alter domain d add check (value > 0)", "heap_scan - - -"},
        {"alter domain d add check (value > 0) not valid", "catalog - - -"},
        {"alter text search configuration c drop mapping for url", "catalog - - -"},
        {"selct 1", "unclassified - - -"},
        {"alter table t add column a int virtual sparse", "unclassified - AccessExclusiveLock t"},
        {"select 'open", "unclassified - - -"},
    };
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(rh_arena_printf(arena, "%s: %s", cases[i][0], classify(cases[i][0], arena)),
                            rh_arena_printf(arena, "%s: %s", cases[i][0], cases[i][1]));
    rh_arena_free(arena);
}

/* The backup's definitions of the tests; NULL: none. */
static const char *const *test_schema;
static const char *test_owner; /* of the database */

/* Reports every case that differs, then fails. */
static void check_cases(const char *const (*cases)[2], size_t count,
                        const char *(*ask)(const char *sql, rh_arena *arena))
{
    rh_arena *arena = rh_arena_new();
    int wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const char *found = ask(cases[i][0], arena);
        if (strcmp(found, cases[i][1]) == 0)
            continue;
        print_error("%s\n  expected %s\n  found    %s\n", cases[i][0], cases[i][1], found);
        wrong++;
    }
    rh_arena_free(arena);
    assert_int_equal(wrong, 0);
}

/* "ordinal:rule" of every hazard in a file. */
static const char *hazards(const char *name, const char *sql, rh_arena *arena)
{
    fixture *f = fixture_begin();
    fixture_file(f, name, sql);
    f->plan.schema = test_schema;
    f->plan.schema_count = test_schema ? 1 : 0;
    f->plan.database_owner = test_owner;
    assert_true(fixture_plan(f, NULL));
    const char *text = "";
    for (size_t i = 0; i < f->plan.migrations[0].up.statement_count; i++) {
        const rh_statement *s = &f->plan.migrations[0].up.statements[i];
        for (size_t k = 0; k < s->hazard_count; k++) {
            assert_non_null(s->hazards[k].message);
            assert_non_null(s->hazards[k].safer);
            assert_null(s->hazards[k].evidence);
            text =
                rh_arena_printf(arena, "%s%s%d:%s", text, *text ? " " : "", s->ordinal, s->hazards[k].rule);
        }
    }
    fixture_end(f);
    return text;
}

static const char *hazards_of(const char *sql, rh_arena *arena)
{
    return hazards("1.sql", sql, arena);
}

static void test_hazards(void **state)
{
    (void)state;
#define TIMEOUT "set lock_timeout='2s';"
    static const char *const cases[][2] = {
        {TIMEOUT "alter table t add a uuid default gen_random_uuid()", "2:volatile-default"},
        {TIMEOUT "alter table t add a serial", "2:rewrite-access-exclusive"},
        {TIMEOUT "alter table t add a int default 1", ""},
        {"alter table t add a int default 1; alter table t add b int", "1:missing-lock-timeout"},
        {TIMEOUT "create index i on t (a)", "2:index-without-concurrently"},
        {TIMEOUT "create index concurrently i on t (a)", "2:invalid-index"},
        {TIMEOUT "reset lock_timeout; create index concurrently i on t (a)", ""},
        {"set statement_timeout = '30s'; drop index concurrently i", "2:invalid-index"},
        {"begin; create index concurrently i on t (a); commit", "2:concurrently-in-transaction"},
        {TIMEOUT "alter table t alter a set not null", "2:set-not-null-scan"},
        {TIMEOUT "alter table t add constraint c check (a is not null) not valid; alter table t validate "
                 "constraint c;"
                 "alter table t alter a set not null",
         ""},
        {TIMEOUT "alter table t add constraint c check (b is not null) not valid; alter table t validate "
                 "constraint c;"
                 "alter table t alter a set not null",
         "4:set-not-null-scan"},
        {TIMEOUT
         "alter table t add constraint c check (a is not null) not valid; alter table t alter a set not null",
         "3:set-not-null-scan"},
        {"begin; set local lock_timeout = '1s'; alter table t add a int; commit", ""},
        {TIMEOUT "alter table t add constraint c check (a > 0)", "2:constraint-without-not-valid"},
        {TIMEOUT "alter table t add foreign key (a) references u", "2:foreign-key-without-not-valid"},
        {TIMEOUT "alter table t add foreign key (a) references u not valid", ""},
        {TIMEOUT "alter table t add unique (a)", "2:index-without-concurrently"},
        {TIMEOUT "alter table t alter a type bigint", "2:type-change"},
        {TIMEOUT "alter table t rename a to b", "2:rename"},
        {TIMEOUT "alter table t rename to u", "2:rename"},
        {TIMEOUT "alter table t drop a", "2:drop-column"},
        {TIMEOUT "drop table t", "2:drop-table"},
        {"update t set a = 1", "1:whole-table-update"},
        {"update t set a = 1 where a is null", "1:whole-table-update"},
        {"update t set a = 1 where id between 1 and 1000", ""},
        {"delete from t", "1:whole-table-update"},
        {"delete from t where 1 = 1", "1:whole-table-update"},
        {"update t set a = 1 where true", "1:whole-table-update"},
        {"update t set a = 1 where false", ""},
        {"delete from t where 1 = 0", ""},
        {"update t set a = u.a from u where u.id = t.id", "1:whole-table-update"},
        {"update t set a = u.a from u where u.id = t.id and t.a is null", "1:whole-table-update"},
        {"delete from t using u where u.id = t.id", "1:whole-table-update"},
        {"delete from t using u where u.id = t.id and u.kind = 'x'", ""},
        {"update t set a = u.a from u where u.id = t.id and u.kind = 'x'", ""},
        {TIMEOUT "create table c as select * from t; update c set a = 1; alter table c rename to d; alter "
                 "table d alter a "
                 "type bigint",
         ""},
        {TIMEOUT "begin; alter table t add a int; update u set b = 1 where id = 1; commit",
         "4:lock-then-long-work"},
        {TIMEOUT
         "begin; alter table t add a int; update u set b = 1 where id = 1; create index on u (b); "
         "delete from u where b = 2; commit; begin; alter table t add b int; insert into u select * from t; "
         "commit",
         "4:lock-then-long-work 5:index-without-concurrently 10:lock-then-long-work"},
        {TIMEOUT "begin; alter table t add a int; select f(); update u set b = 1 where id = 1; commit",
         "5:lock-then-long-work"},
        {TIMEOUT "alter table t add a int; update u set b = 1 where id = 1", ""},
        {TIMEOUT "begin; alter table t add a int; commit; begin; update u set b = 1 where id = 1; commit",
         ""},
        {"create table t (a int); create index on t (a); alter table t alter a set not null; insert into t "
         "values (1)",
         ""},
        {TIMEOUT "vacuum full t", "2:rewrite-access-exclusive"},
        {"selct; alter tabel", ""},
        {TIMEOUT "alter table t add b int; alter table t drop a", "3:drop-column 3:expand-and-contract"},
        {TIMEOUT "alter table t add b int; alter table u drop a", "3:drop-column"},
        {TIMEOUT "alter table t add b int; alter table t alter b set not null",
         "3:set-not-null-scan 3:expand-and-contract"},
        {TIMEOUT "alter table t add b int default 1; alter table t alter b set not null",
         "3:set-not-null-scan"},
        {"create index concurrently if not exists i on t (a)", "1:invalid-index"},
    };
    check_cases(cases, sizeof cases / sizeof *cases, hazards_of);
    rh_arena *arena = rh_arena_new();
    /* Two statements are one transaction for golang-migrate. */
    assert_string_equal(hazards("1_a.up.sql", "create index concurrently i on t (a); select 1", arena),
                        "1:concurrently-in-transaction");
    assert_string_equal(hazards("1_a.up.sql", "create index concurrently i on t (a);", arena), "");
    rh_arena_free(arena);
}

/* Which statements wait for a strong lock without a limit: what is in force, not what is written down. */
static void test_lock_timeout(void **state)
{
    (void)state;
#define ALTER "alter table t add c int;"
#define MISSING ":missing-lock-timeout"
    static const char *const cases[][2] = {
        {"set local lock_timeout = '2s';" ALTER, "2" MISSING},
        {"begin; set local lock_timeout = '2s';" ALTER "commit", ""},
        {"begin; set local lock_timeout = '2s';" ALTER "commit; begin;" ALTER "commit", "6" MISSING},
        {"set lock_timeout = 0;" ALTER, "2" MISSING},
        {"set lock_timeout = 2000;" ALTER, ""},
        {"set lock_timeout to '1min';" ALTER, ""},
        {"set lock_timeout = '1h';" ALTER, "2" MISSING},
        {"set lock_timeout = '10min';" ALTER, "2" MISSING},
        {"set lock_timeout = 3600000;" ALTER, "2" MISSING},
        {"set lock_timeout = '2s'; reset all;" ALTER, "3" MISSING},
        {"set lock_timeout = '2s'; reset lock_timeout;" ALTER, "3" MISSING},
        {"set lock_timeout = '2s'; set lock_timeout to default;" ALTER, "3" MISSING},
        {"set lock_timeout = '2s'; discard all;" ALTER, "3" MISSING},
        {"begin; set lock_timeout = '2s'; rollback;" ALTER, "4" MISSING},
        {"begin; set lock_timeout = '2s'; commit;" ALTER, ""},
        {"begin; savepoint a; set lock_timeout = '2s'; rollback to a;" ALTER "commit", "5" MISSING},
        {"begin; savepoint a; set lock_timeout = '2s'; release a;" ALTER "commit", ""},
        {"begin; set local lock_timeout = '2s'; set lock_timeout = 0;" ALTER "commit", "4" MISSING},
        {"begin; set local lock_timeout = 0; set lock_timeout = '2s';" ALTER "commit", ""},
        {"select set_config('lock_timeout', '2s', false);" ALTER, ""},
        {"select set_config('lock_timeout', '2s', true);" ALTER, "2" MISSING},
        {"begin; select pg_catalog.set_config('lock_timeout', '2s', true);" ALTER "commit", ""},
        {"select set_config('lock_timeout', '0', false);" ALTER, "2" MISSING},
        {"set session lock_timeout = '5s';" ALTER, ""},
        {"set statement_timeout = '5s';" ALTER, ""},
        {"begin; set local lock_timeout = '2s'; commit and chain;" ALTER "commit", "4" MISSING},
        {"start transaction; set local lock_timeout = '2s'; abort;" ALTER, "4" MISSING},
        {"alter database d set lock_timeout = '2s';" ALTER, "2" MISSING},
    };
    check_cases(cases, sizeof cases / sizeof *cases, hazards_of);
    static const char *const schema[] = {
        "ALTER DATABASE shop SET lock_timeout = '3s'; CREATE TABLE t (a int);"};
    static const char *const of_database[][2] = {
        {ALTER, ""},
        {"set lock_timeout = 0;" ALTER, "2" MISSING},
        {"set lock_timeout = 0; reset all;" ALTER, ""},
    };
    test_schema = schema;
    check_cases(of_database, sizeof of_database / sizeof *of_database, hazards_of);
    /* Of roles, only the one that migrates; the narrower setting is in force, whatever the order. */
    static const char *const of_roles[][2] = {
        {"ALTER ROLE deploy SET lock_timeout = '3s'", ""},
        {"ALTER ROLE deploy IN DATABASE d SET lock_timeout = '3s'", ""},
        {"ALTER ROLE other SET lock_timeout = '3s'", "1" MISSING},
        {"ALTER ROLE other IN DATABASE d SET lock_timeout = '3s'", "1" MISSING},
        {"ALTER ROLE ALL IN DATABASE d SET lock_timeout = '3s'", ""},
        {"ALTER ROLE deploy SET lock_timeout = '3s'; ALTER DATABASE d SET lock_timeout = 0", ""},
        {"ALTER ROLE deploy SET lock_timeout = 0; ALTER DATABASE d SET lock_timeout = '3s'", "1" MISSING},
        {"ALTER ROLE deploy IN DATABASE d SET lock_timeout = 0; ALTER ROLE deploy SET lock_timeout = '3s'",
         "1" MISSING},
        {"ALTER ROLE ALL SET lock_timeout = '3s'; ALTER DATABASE d SET lock_timeout = 0", "1" MISSING},
    };
    test_owner = "deploy";
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof of_roles / sizeof *of_roles; i++) {
        const char *const settings[] = {of_roles[i][0]};
        test_schema = settings;
        assert_string_equal(hazards("1.sql", ALTER, arena), of_roles[i][1]);
    }
    rh_arena_free(arena);
    test_owner = NULL;
    test_schema = NULL;
    /* psql -f begins a session a file; golang-migrate's goes on. */
    for (int tool = 0; tool < 2; tool++) {
        fixture *f = fixture_begin();
        fixture_file(f, tool ? "1_a.up.sql" : "1.sql", "set lock_timeout = '2s'");
        fixture_file(f, tool ? "2_b.up.sql" : "2.sql", ALTER);
        assert_true(fixture_plan(f, NULL));
        assert_int_equal(f->plan.migrations[1].up.statements[0].hazard_count, tool ? 0 : 1);
        fixture_end(f);
    }
}

/* What the definitions of the backup say of tables, types and what depends on them. */
static void test_hazards_by_schema(void **state)
{
    (void)state;
    static const char *const schema[] = {
        "CREATE SCHEMA app;"
        "CREATE DOMAIN app.positive AS integer CHECK (VALUE > 0); CREATE DOMAIN app.words AS text;"
        "CREATE DOMAIN app.lonely AS text;"
        "CREATE TYPE app.mood AS ENUM ('a', 'b');"
        "CREATE TABLE public.t (id bigint NOT NULL, a varchar(20), n numeric(10,2), s text, at timestamp, m app.mood, p "
        "app.positive, c varchar(5), CONSTRAINT c_ck CHECK (c <> ''), CONSTRAINT s_nn CHECK (((s IS NOT NULL) AND (id > 0))));"
        "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);"
        "CREATE UNIQUE INDEX t_a ON public.t USING btree (a); CREATE UNIQUE INDEX t_s ON public.t USING btree (s);"
        "CREATE TABLE public.u (id int, t_id bigint);"
        "ALTER TABLE ONLY public.u ADD CONSTRAINT u_t FOREIGN KEY (t_id) REFERENCES public.t(id);"
        "CREATE VIEW public.v AS SELECT id FROM public.t;"
        "CREATE TABLE public.e (id bigint, at date) PARTITION BY RANGE (at);"
        "CREATE TABLE public.e_old (id bigint, at date); CREATE TABLE public.e_rest (id bigint, at date);"
        "CREATE TABLE public.e_new (id bigint, at date, CONSTRAINT k CHECK (at >= '2024-01-01' AND at < '2025-01-01'));"
        "ALTER TABLE ONLY public.e ATTACH PARTITION public.e_old FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"
        "CREATE TABLE public.m (n int) PARTITION BY RANGE (n);"
        "CREATE TABLE public.m_0 (n int, CONSTRAINT over CHECK (n > 100));"
        "CREATE TABLE public.m_1 (n int, CONSTRAINT within CHECK (n >= -10 AND n < -5));"
        "CREATE TABLE public.l (id bigint, at date) PARTITION BY RANGE (at);"
        "CREATE TABLE public.l_rest (id bigint, at date);"
        "ALTER TABLE ONLY public.l ATTACH PARTITION public.l_rest DEFAULT;"
        "CREATE FUNCTION public.work() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE TABLE public.parent (id bigint PRIMARY KEY, code int UNIQUE);"
        "CREATE TABLE public.child (id bigint PRIMARY KEY, parent_id bigint REFERENCES public.parent ON DELETE CASCADE, o int);"
        "CREATE INDEX child_parent ON public.child (parent_id) WHERE parent_id IS NOT NULL;"
        "CREATE TABLE public.grandchild (child_id bigint REFERENCES public.child, code int REFERENCES public.parent (code));"
        "CREATE INDEX grandchild_code ON public.grandchild (code) WHERE child_id > 5;"
        "CREATE TABLE public.used (id int, a int, b int, c int, d int, e int, v varchar(20));"
        "CREATE VIEW public.users AS SELECT u.id, u.a, w.d, u.v FROM (public.used u JOIN public.other w ON ((w.id = u.id)));"
        "CREATE TRIGGER of_b BEFORE UPDATE OF b ON public.used FOR EACH ROW EXECUTE FUNCTION public.work();"
        "CREATE TRIGGER when_c BEFORE UPDATE ON public.used FOR EACH ROW WHEN ((old.c <> new.c)) EXECUTE FUNCTION public.work();"
        "CREATE POLICY by_e ON public.used USING ((e > 0));"
        "CREATE TABLE public.whole (id bigint PRIMARY KEY);"
        "CREATE TABLE public.part (a int, whole_id bigint REFERENCES public.whole);"
        "CREATE INDEX part_w ON public.part USING btree (whole_id, a);"
        "CREATE POLICY pol ON public.u USING (true); ALTER TABLE public.u ENABLE ROW LEVEL SECURITY;"};
    static const char *const cases[][2] = {
        /* types */
        {TIMEOUT "alter table t alter a type varchar(30)", ""},
        {TIMEOUT "alter table t alter a type text", ""},
        {TIMEOUT "alter table t alter a type varchar(30) using \"a\"::varchar(30)", ""},
        {TIMEOUT "alter table t alter a type varchar(30) using cast(t.a as varchar(30))", ""},
        {TIMEOUT "alter table t alter a type text using a", ""},
        {TIMEOUT "alter table t alter a type varchar(30) using a::varchar(31)", "2:type-change"},
        {TIMEOUT "alter table t alter a type varchar(30) using a::text", "2:type-change"},
        {TIMEOUT "alter table t alter a type varchar(30) using c::varchar(30)", "2:type-change"},
        {TIMEOUT "alter table t alter a type text using a::text[]", "2:type-change"},
        {TIMEOUT "alter table t alter a type varchar(10)", "2:type-change"},
        {TIMEOUT "alter table t alter n type numeric(12,2)", ""},
        {TIMEOUT "alter table t alter n type numeric(12,3)", "2:type-change"},
        {TIMEOUT "alter table t alter at type timestamptz", "2:type-change"},
        {TIMEOUT "alter table t alter c type varchar(50)", "2:type-change"}, /* its CHECK reads all rows */
        {TIMEOUT "alter table t alter a type text using lower(a)", "2:type-change"},
        /* proofs */
        {TIMEOUT "alter table t alter id set not null", ""},
        {TIMEOUT "alter table t alter s set not null", ""},
        {TIMEOUT "alter table t drop constraint s_nn; alter table t alter s set not null",
         "3:set-not-null-scan"},
        {TIMEOUT
         "alter table t add constraint x check (a is not null or id = 1) not valid; alter table t validate constraint "
         "x; alter table t alter a set not null",
         "4:set-not-null-scan"},
        {TIMEOUT "alter table t add primary key using index t_s", ""},
        {TIMEOUT "alter table t add primary key using index t_a", "2:primary-key-from-nullable"},
        /* IF EXISTS and IF NOT EXISTS */
        {"create table if not exists t (a int); create index on t (a)",
         "2:index-without-concurrently 2:missing-lock-timeout"},
        {"create table if not exists w (a int); create index on w (a); alter table w add b int", ""},
        {"drop table if exists nothing; drop view if exists nothing; drop index if exists nothing", ""},
        {TIMEOUT "alter table t add column if not exists a uuid default gen_random_uuid()", ""},
        {TIMEOUT "create index if not exists t_a on t (a)", ""},
        {TIMEOUT "alter table t drop column if exists nothing", ""},
        /* what goes */
        {TIMEOUT "truncate t cascade", "2:truncate"},
        {TIMEOUT "drop view v; drop function work(); drop type app.mood cascade; drop schema app cascade",
         "2:drop-object 3:blocked-by-dependents 3:drop-object 4:drop-object 5:drop-object"},
        {TIMEOUT "begin; drop view v; create view v as select 1; commit", ""},
        {TIMEOUT
         "alter type app.mood rename value 'a' to 'z'; alter schema app rename to b; alter table t set schema b",
         "2:rename 3:rename 4:rename"},
        {TIMEOUT "alter function work() rename to play; alter view v rename to w", "2:rename 3:rename"},
        {TIMEOUT "begin; alter table u rename to u2; create view u as select * from u2; commit", ""},
        {TIMEOUT "begin; alter table u rename to u2; alter table e_old rename to u; commit", "4:rename"},
        {TIMEOUT "alter table u rename to u2; create view u as select * from u2", "2:rename"},
        {TIMEOUT "begin; alter table t rename a to u; create view t as select 1; commit", "3:rename"},
        {TIMEOUT "alter table t add b int; alter table t rename b to c2; alter table t drop c2", ""},
        {TIMEOUT "create view w as select 1; drop view w; create type x as enum ('a'); drop type x", ""},
        /* partitions */
        {TIMEOUT "alter table e attach partition e_rest for values from ('2024-01-01') to ('2025-01-01')",
         "2:attach-partition"},
        {TIMEOUT "alter table e attach partition e_new for values from ('2024-01-01') to ('2025-01-01')", ""},
        {TIMEOUT "alter table m attach partition m_0 for values from (-10) to (-5)", "2:attach-partition"},
        {TIMEOUT "alter table m attach partition m_1 for values from (-10) to (-5)", ""},
        {TIMEOUT "update t set a = '' where 0 = -1", ""},
        /* what uses a column */
        {TIMEOUT "alter table used drop column a", "2:drop-column 2:blocked-by-dependents"},
        {TIMEOUT "alter table used drop column a cascade", "2:drop-column"},
        {TIMEOUT "alter table used drop column b", "2:drop-column 2:blocked-by-dependents"},
        {TIMEOUT "alter table used drop column c", "2:drop-column 2:blocked-by-dependents"},
        {TIMEOUT "alter table used drop column d", "2:drop-column"},
        {TIMEOUT "alter table used drop column e", "2:drop-column 2:blocked-by-dependents"},
        {TIMEOUT "alter table used alter v type varchar(30)", "2:blocked-by-dependents"},
        {TIMEOUT "drop view users; alter table used alter v type varchar(30)", "2:drop-object"},
        {TIMEOUT "create view all_of as select * from used; alter table used drop column d",
         "3:drop-column 3:blocked-by-dependents"},
        /* foreign keys without an index */
        {"delete from child where o = 3", "1:foreign-key-without-index"},
        {"delete from parent where code < 3", "1:foreign-key-without-index"},
        {"delete from child where id = 3", ""},
        {"delete from whole where id < 3", ""},
        {"update child set o = 4 where o = 3", ""},
        {"update parent set code = 4 where code < 3", "1:foreign-key-without-index"},
        {"create index concurrently g on grandchild (child_id); delete from child where o = 3", ""},
        {TIMEOUT "reindex (concurrently 0) table t", "2:reindex-without-concurrently"},
        {TIMEOUT
         "create table e_x (like e); alter table e attach partition e_x for values from ('2024-01-01') to "
         "('2025-01-01')",
         ""},
        {TIMEOUT
         "create table e_x (like e); insert into e_x select * from e; alter table e attach partition e_x for "
         "values from ('2024-01-01') to ('2025-01-01')",
         ""},
        {TIMEOUT "create table e_y partition of e for values from ('2024-01-01') to ('2025-01-01')", ""},
        {TIMEOUT "create table l_y partition of l for values from ('2024-01-01') to ('2025-01-01')",
         "2:attach-partition"},
        {TIMEOUT "alter table e detach partition e_old", "2:detach-partition"},
        {"alter table e detach partition e_old concurrently", ""},
        {TIMEOUT "create index on only e (id)", ""},
        /* domains, enums */
        {TIMEOUT "alter table t add q app.positive", "2:constrained-domain"},
        {TIMEOUT "alter table t add q app.words", ""},
        {TIMEOUT "alter domain app.positive add check (value < 9)", "2:constrained-domain"},
        {TIMEOUT "alter domain app.lonely add check (value <> '')", ""},
        {"begin; alter type app.mood add value 'c'; insert into u values (1, 2); commit", ""},
        {"begin; alter type app.mood add value 'c'; update t set m = 'c' where id = 1; commit",
         "3:enum-value-in-transaction"},
        {"alter type app.mood add value 'c'; update t set m = 'c' where id = 1", ""},
        /* row-level security */
        {TIMEOUT "alter table t enable row level security", "2:row-security-without-policy"},
        {TIMEOUT "begin; alter table t enable row level security; create policy x on t using (true); commit",
         ""},
        {TIMEOUT "create policy x on t using (true); alter table t enable row level security", ""},
        {TIMEOUT "alter table u force row level security", ""},
        {TIMEOUT "drop policy pol on u", "2:row-security-without-policy"},
        /* other locks and work */
        {TIMEOUT "alter table t add constraint x exclude using gist (a with =)", "2:exclude-constraint"},
        {TIMEOUT "reindex table t", "2:reindex-without-concurrently"},
        {TIMEOUT "reindex index t_a", "2:reindex-without-concurrently"},
        {"reindex table concurrently t", ""},
        {TIMEOUT "reindex schema public", "2:reindex-without-concurrently"},
        {TIMEOUT "drop index concurrently if exists nothing", ""},
        {TIMEOUT "drop index concurrently if exists t_a", "2:invalid-index"},
        {"alter table t add c1 int; set lock_timeout = '1s'; alter table t add c2 int; reset lock_timeout; alter "
         "table t add c3 int; alter table t add c4 int",
         "1:missing-lock-timeout 5:missing-lock-timeout"},
        {"set lock_timeout = '2min'; alter table t add c1 int; discard all; alter table t add c2 int",
         "2:missing-lock-timeout 4:missing-lock-timeout"},
        {"with x as (update t set a = '1' returning id) select count(*) from x", "1:whole-table-update"},
        {"create table w (id int, t_id bigint references t)", "1:missing-lock-timeout"},
        {TIMEOUT "alter table t add q int references u", ""},
        {TIMEOUT "alter table t add q int default 1 references u", "2:foreign-key-without-not-valid"},
        {TIMEOUT "alter table if exists nothing rename to other", ""},
        {"merge into t using u on u.t_id = t.id when matched then delete",
         "1:whole-table-update 1:foreign-key-without-index"},
        {"merge into t using u on u.t_id = t.id when matched and u.id = 1 then delete",
         "1:foreign-key-without-index"},
        {TIMEOUT
         "begin; create table w (id int, t_id bigint references t); insert into w select id from t; commit",
         "4:lock-then-long-work"},
        {TIMEOUT
         "begin; create table w (id int, t_id bigint references t); create index on w (id); insert into w values "
         "(1, 2); commit",
         ""},
        {TIMEOUT "begin; alter table t add b int; select work(); commit", "4:lock-then-long-work"},
        {TIMEOUT "begin; alter table t add b int; update t set a = 'x' where id = 5; commit", ""},
        {TIMEOUT "create temp table tmp as select * from t; update tmp set a = 1; drop table tmp", ""},
        {TIMEOUT "create table c2 (a int); reindex table c2; truncate c2; drop table c2", ""},
    };
    test_schema = schema;
    check_cases(cases, sizeof cases / sizeof *cases, hazards_of);
    test_schema = NULL;
}

/* A table that has next to no rows in the backup: only what does not take time by its rows. */
static void test_small_table(void **state)
{
    (void)state;
    static const char *const schema[] = {
        "CREATE TABLE public.s (id int, a text); CREATE TABLE public.b (id int, a text);"};
    static rh_listed_table small[] = {{.schema = "public", .name = "s"}};
    static const struct {
        const char *sql;
        size_t hazards; /* of the last statement */
    } cases[] = {
        {"set lock_timeout = '2s'; create index on s (a)", 0},
        {"set lock_timeout = '2s'; create index on b (a)", 1},
        {"create index on s (a)", 1}, /* it waits all the same */
        {"update s set a = 'x'", 0},
        {"set lock_timeout = '2s'; alter table s alter a set not null, alter id type bigint", 0},
        {"set lock_timeout = '2s'; alter table s drop column a", 1},
        {"set lock_timeout = '2s'; begin; alter table b add c int; update s set a = 'x'", 0},
        {"set lock_timeout = '2s'; insert into s select id, a from b; create index on s (a)", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, "1.sql", cases[i].sql);
        f->plan.schema = schema;
        f->plan.schema_count = 1;
        f->plan.small_tables = (rh_listed_tables){.tables = small, .count = 1};
        assert_true(fixture_plan(f, NULL));
        const rh_script *script = &f->plan.migrations[0].up;
        assert_int_equal(script->statements[script->statement_count - 1].hazard_count, cases[i].hazards);
        fixture_end(f);
    }
}

/* A validated CHECK saves SET NOT NULL its scan, also from an earlier file of the release. */
static void test_proven_not_null(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1.sql", "alter table t add constraint c check (a is not null) not valid");
    fixture_file(f, "2.sql", "alter table t validate constraint c");
    fixture_file(f, "3.sql", "alter table t alter a set not null; alter table t alter b set not null");
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.migrations[2].up.statements[0].class_, RH_CLASS_CATALOG);
    assert_int_equal(f->plan.migrations[2].up.statements[1].class_, RH_CLASS_HEAP_SCAN);
    fixture_end(f);
}

static void test_hazard_texts(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1.sql", "alter table shop.\"Orders\" add \"Id\" uuid default gen_random_uuid()");
    assert_true(fixture_plan(f, NULL));
    const rh_hazard *hazard = f->plan.migrations[0].up.statements[0].hazards;
    assert_non_null(strstr(hazard->safer, "ALTER TABLE shop.\"Orders\" ALTER COLUMN \"Id\" SET DEFAULT"));
    fixture_end(f);
    /* CONCURRENTLY is refused of the default partition itself as well */
    static const char *const schema[] = {"CREATE TABLE public.l (k text) PARTITION BY LIST (k); CREATE TABLE "
                                         "public.l_rest (k text); ALTER TABLE ONLY public.l ATTACH PARTITION "
                                         "public.l_rest DEFAULT;"};
    f = fixture_begin();
    f->plan.schema = schema;
    f->plan.schema_count = 1;
    fixture_file(f, "1.sql", "set lock_timeout = '2s'; alter table l detach partition l_rest");
    assert_true(fixture_plan(f, NULL));
    hazard = f->plan.migrations[0].up.statements[1].hazards;
    assert_string_equal(hazard->rule, "detach-partition");
    assert_non_null(strstr(hazard->safer, "CONCURRENTLY is refused"));
    fixture_end(f);
    /* the names are swapped, but not at once */
    f = fixture_begin();
    fixture_file(f, "1.sql", "alter table t rename to t_old; alter table t_new rename to t");
    assert_true(fixture_plan(f, NULL));
    hazard = f->plan.migrations[0].up.statements[0].hazards;
    assert_string_equal(hazard->rule, "rename");
    assert_non_null(strstr(hazard->message, "of statement 2 no object has the name t"));
    fixture_end(f);
}

/* "1:rule=reason" of what is silenced, or the error with its place. */
static const char *ignored(const char *sql, rh_arena *arena)
{
    fixture *f = fixture_begin();
    fixture_file(f, "1.sql", sql);
    const char *text = "";
    if (!fixture_plan(f, NULL))
        text = rh_arena_printf(arena, "%d:%d %s", f->error.line, f->error.column, f->error.message);
    else
        for (size_t i = 0; i < f->plan.migrations[0].up.statement_count; i++) {
            const rh_statement *s = &f->plan.migrations[0].up.statements[i];
            for (size_t k = 0; k < s->hazard_count; k++)
                text = rh_arena_printf(arena, "%s%s%d:%s%s%s", text, *text ? " " : "", s->ordinal,
                                       s->hazards[k].rule, s->hazards[k].silenced ? "=" : "",
                                       s->hazards[k].silenced ? s->hazards[k].silenced : "");
        }
    fixture_end(f);
    return text;
}

static void test_ignore(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"-- pgrehearse: ignore whole-table-update  a small table\nupdate t set a = 1;\nupdate u set a = 1;",
         "1:whole-table-update=a small table 2:whole-table-update"},
        {"update t set a = 1; -- pgrehearse: ignore whole-table-update why not \r\nupdate u set a = 1;",
         "1:whole-table-update 2:whole-table-update=why not"},
        {"-- other words\n--pgrehearse: ignore rename x\n-- pgrehearse: ignore missing-lock-timeout y\n\n"
         "alter table t rename a to b",
         "1:rename=x 1:missing-lock-timeout=y"},
        {"update t set a = '\n-- pgrehearse: ignore nothing\n'", "1:whole-table-update"},
        {"select 1;\n  -- pgrehearse: ignore no-such-rule because",
         "2:3 there is no rule \"no-such-rule\" to ignore"},
        {"-- pgrehearse: ignore rename\nselect 1;", "1:1 ignore rename gives no reason"},
        {"-- pgrehearse: ignore\nselect 1;", "1:1 ignore names no rule"},
        {"-- pgrehearse: skip rename x\nselect 1;", "1:1 \"skip\" is not a directive of pgrehearse"},
        {"select 1;\n-- pgrehearse: ignore rename at the end", "2:1 no statement follows this ignore rename"},
    };
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(ignored(cases[i][0], arena), cases[i][1]);
    rh_arena_free(arena);
}

/* What the parser does not know is named, with the version that its words tell; statements stay apart. */
static void test_not_understood(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int version; /* 0: not told */
    } cases[] = {
        {"alter table t add constraint c not null a not valid", 18},
        {"alter table t add column b int generated always as (a * 2) virtual", 18},
        {"alter table t add constraint c foreign key (a) references u not enforced", 18},
        {"create table t (a int4range, primary key (a without overlaps))", 18},
        {"merge into t using u on true when not matched by source then delete", 17},
        {"select json_value(a, '$.b' returning int) from t", 17},
        {"alter table t alter column a set expression as (b + 1)", 17},
        {"update t set a = 1_000_000", 16},
        {"selct 1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, "1.sql",
                     rh_arena_printf(f->arena, "select 1; %s; create index on t (a);", cases[i].sql));
        assert_true(fixture_plan(f, NULL));
        const rh_script *script = &f->plan.migrations[0].up;
        const char *needs = rh_arena_printf(f->arena, "needs PostgreSQL %d?", cases[i].version);
        assert_int_equal(script->statement_count, 3);
        assert_null(script->statements[0].parse_error);
        assert_non_null(script->statements[1].parse_error);
        assert_int_equal(strstr(script->statements[1].parse_error, needs) != NULL, cases[i].version > 0);
        assert_int_equal(script->statements[2].class_, RH_CLASS_INDEX_BUILD);
        fixture_end(f);
    }
}

/* Rows in the hundreds of thousands are neither parsed nor printed. */
static void test_huge_statement(void **state)
{
    (void)state;
    rh_text sql = {0};
    rh_text_append(&sql, "insert into t values (0, 'secret')");
    for (int i = 0; i < 200000; i++)
        rh_text_printf(&sql, ", (%d, 'secret')", i);
    fixture *f = fixture_begin();
    fixture_file(f, "1.sql", sql.data);
    assert_true(fixture_plan(f, NULL));
    const rh_statement *s = f->plan.migrations[0].up.statements;
    assert_int_equal(s->class_, RH_CLASS_DATA_CHANGE);
    assert_true(strlen(s->redacted_sql) <= 4096);
    assert_null(strstr(s->redacted_sql, "secret"));
    rh_text_release(&sql);
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),         cmocka_unit_test(test_hazards),
        cmocka_unit_test(test_lock_timeout),    cmocka_unit_test(test_hazards_by_schema),
        cmocka_unit_test(test_proven_not_null), cmocka_unit_test(test_hazard_texts),
        cmocka_unit_test(test_huge_statement),  cmocka_unit_test(test_ignore),
        cmocka_unit_test(test_not_understood),  cmocka_unit_test(test_small_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
