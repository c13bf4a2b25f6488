/* Real dumps, and made ones, whole and damaged, into a private cluster. */
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/base/text.h"
#include "server/cluster.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static test_cluster *cluster;
static char pg_restore[300];
static char directory[] = "/tmp/rh-restore-XXXXXX";
static int databases;
static const rh_skip *skips; /* of the next restore */
static size_t skip_count;

/* Runs a shell line in the directory, with PG… set for the cluster; its status. */
static int shell(const char *format, ...)
{
    rh_text line = {0};
    va_list args;
    rh_text_printf(&line, "cd %s && export PATH=%s:$PATH PGHOST=%s PGUSER=postgres PGDATABASE=shop && ",
                   directory, cluster->bindir, cluster->directory);
    va_start(args, format);
    rh_text_vprintf(&line, format, args);
    va_end(args);
    int status = system(line.data);
    rh_text_release(&line);
    return status;
}

static bool have_corpora(void)
{
    if (access(RH_CORPORA "/dumps/pagila.sql", R_OK) == 0)
        return true;
    print_message("skipped: the corpora are not here (%s)\n", RH_CORPORA);
    return false;
}

static int set_up(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    if (!cluster || !mkdtemp(directory) || chmod(directory, 0755))
        return 1;
    snprintf(pg_restore, sizeof pg_restore, "%s/pg_restore", cluster->bindir);
    rh_text sql = {0};
    rh_text_append(
        &sql,
        "CREATE ROLE app; CREATE SCHEMA sales; SET ROLE app; RESET ROLE;"
        "CREATE TABLE sales.orders (id int PRIMARY KEY, note text, part int) ; ALTER TABLE sales.orders "
        "OWNER TO app;"
        "INSERT INTO sales.orders SELECT g, E'tab\\there ' || g || E'\\n\\\\.\\n', g % 7 FROM "
        "generate_series(1, 5000) g;"
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR "
        "VALUES FROM (0) TO (100);"
        "INSERT INTO parts SELECT g FROM generate_series(0, 99) g;"
        "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);"
        "INSERT INTO schema_migrations VALUES (12, false); CREATE TABLE nothing (a int, \"b c\" text);"
        "CREATE TABLE texts (a text, b text); INSERT INTO texts VALUES (E'x\\ty\\\\z', NULL), ('it''s', '');"
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;"
        "CREATE FUNCTION g() RETURNS text LANGUAGE plpgsql AS $x$ BEGIN RETURN '\\! id'; END $x$;"
        "GRANT SELECT ON sales.orders TO app;"
        "CREATE ROLE gone NOLOGIN; GRANT SELECT ON parts TO gone; ALTER TABLE texts OWNER TO gone;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE gone IN SCHEMA sales GRANT SELECT ON TABLES TO app;"
        "SELECT lo_from_bytea(0, '\\x00112233');");
    char path[100];
    snprintf(path, sizeof path, "%s/shop.sql", directory);
    FILE *file = fopen(path, "w");
    fputs(sql.data, file);
    fclose(file);
    rh_text_release(&sql);
    return shell("createdb shop && psql -qX -v ON_ERROR_STOP=1 -o /dev/null -f shop.sql && pg_dump -Fc -f "
                 "custom && pg_dump -Fd -f dir && pg_dump -Ft -f tar && pg_dump -f plain"
                 " && pg_dump --inserts -f inserts && pg_dump -C -f created && pg_dump -Fp -Z0 -f again && "
                 "pg_dump -Fc > piped"
                 " && pg_dumpall -f all && pg_dumpall --clean --if-exists -f allclean"
                 " && gzip -c plain > gz && zstd -q -c plain > zst && lz4 -q -c plain > lz4 && xz -c plain > "
                 "xz && bzip2 -c plain > bz2"
                 " && zip -q zip plain && mv zip.zip zip && tar czf targz plain && tar cf plaintar plain");
}

static int tear_down(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

typedef struct restored {
    rh_arena *arena;
    rh_backup_facts facts;
    rh_error error;
    char *conninfo;
    bool fine;
} restored;

/* Restores PATH (relative to the directory) into a database of its own and counts. */
static void restore_with(restored *r, const char *path, bool create_roles)
{
    char name[32], full[300];
    *r = (restored){.arena = rh_arena_new()};
    snprintf(name, sizeof name, "restored_%d", ++databases);
    r->conninfo = rh_pg_conninfo_with(test_cluster_conninfo(cluster), 1, (const char *[]){"dbname"},
                                      (const char *[]){name}, NULL);
    snprintf(full, sizeof full, "%s%s%s", path[0] == '/' ? "" : directory, path[0] == '/' ? "" : "/", path);
    rh_restore_target target = {.conninfo = r->conninfo,
                                .pg_restore = pg_restore,
                                .jobs = 2,
                                .create_roles = create_roles,
                                .skip = skips,
                                .skip_count = skip_count};
    test_cluster_account(&target.uid, &target.gid);
    /* Most damage is told before a database is needed. */
    r->fine = rh_backup_inspect(full, r->arena, &r->facts, NULL, &r->error) &&
              shell("createdb %s", name) == 0 &&
              rh_backup_restore(&r->facts, &target, r->arena, NULL, &r->error) &&
              rh_backup_count(r->conninfo, &r->facts, &r->error);
}

static void restore(restored *r, const char *path)
{
    restore_with(r, path, true);
}

static void release(restored *r)
{
    rh_arena_free(r->arena);
    rh_error_release(&r->error);
    free(r->conninfo);
}

static bool skipped(const restored *r, const char *what)
{
    for (size_t i = 0; i < r->facts.skipped_count; i++)
        if (strstr(r->facts.skipped[i].what, what))
            return true;
    return false;
}

static void expect_restored(restored *r, const char *path, int64_t tables, int64_t rows)
{
    restore(r, path);
    if (!r->fine)
        fail_msg("%s: %s (%s:%d)", path, r->error.message, r->error.file ? r->error.file : "", r->error.line);
    if (r->facts.tables != tables || r->facts.rows != rows)
        fail_msg("%s: %lld tables, %lld rows", path, (long long)r->facts.tables, (long long)r->facts.rows);
    assert_true(r->facts.restore_s >= 0);
    assert_true(r->facts.database_bytes > 0);
    assert_int_equal(strlen(r->facts.sha256), 64);
    if (r->facts.missing_count)
        fail_msg("%s lacks %s: %s", path, r->facts.missing[0].what, r->facts.missing[0].why);
}

static void expect_failed(const char *path, rh_error_code code, const char *message, int line)
{
    restored r;
    restore(&r, path);
    if (r.fine)
        fail_msg("%s was restored", path);
    if (r.error.code != code || !strstr(r.error.message, message) || (line && r.error.line != line))
        fail_msg("%s: code %d, line %d: %s", path, r.error.code, r.error.line, r.error.message);
    assert_non_null(r.error.file);
    release(&r);
}

static void every_shape_restores_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        rh_backup_shape shape;
        const char *compression, *container;
    } shapes[] = {
        {"custom", RH_SHAPE_PGDUMP_CUSTOM, "gzip", "none"},
        {"piped", RH_SHAPE_PGDUMP_CUSTOM, "gzip", "none"},
        {"dir", RH_SHAPE_PGDUMP_DIRECTORY, "gzip", "none"},
        {"tar", RH_SHAPE_PGDUMP_TAR, "none", "none"},
        {"plain", RH_SHAPE_PLAIN, "none", "none"},
        {"inserts", RH_SHAPE_PLAIN, "none", "none"},
        {"created", RH_SHAPE_PLAIN, "none", "none"},
        {"gz", RH_SHAPE_PLAIN, "gzip", "none"},
        {"zst", RH_SHAPE_PLAIN, "zstd", "none"},
        {"lz4", RH_SHAPE_PLAIN, "lz4", "none"},
        {"xz", RH_SHAPE_PLAIN, "xz", "none"},
        {"bz2", RH_SHAPE_PLAIN, "bzip2", "none"},
        {"zip", RH_SHAPE_PLAIN, "none", "zip"},
        {"targz", RH_SHAPE_PLAIN, "gzip", "tar"},
        {"plaintar", RH_SHAPE_PLAIN, "none", "tar"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        restored r;
        expect_restored(&r, shapes[i].path, 6, 5103);
        assert_int_equal(r.facts.shape, shapes[i].shape);
        assert_string_equal(r.facts.compression, shapes[i].compression);
        assert_string_equal(r.facts.container, shapes[i].container);
        assert_int_equal(r.facts.server_major, 15);
        rh_error error = {0};
        int64_t same = 0;
        rh_pg *pg = rh_pg_connect(r.conninfo, "test", &error);
        assert_true(rh_pg_query_int(
            pg, "SELECT count(*) FROM sales.orders WHERE note = E'tab\\there ' || id || E'\\n\\\\.\\n'",
            &same, &error));
        assert_int_equal(same, 5000);
        rh_pg_close(pg);
        release(&r);
    }
}

static void real_dumps_restore(void **state)
{
    (void)state;
    if (!have_corpora())
        return;
    /* Counted by hand: pg_restore and psql into a stock cluster, then count(*) over every table. */
    static const struct {
        const char *file;
        int64_t tables, rows;
    } dumps[] = {
        {"chinook-9.6.dump", 11, 9025},
        {"chinook.sql", 11, 15607},
        {"dellstore2-normal-1.0.tar.gz", 8, 172716},
        {"netflix.sql", 1, 8807},
    };
    for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++) {
        char path[300];
        restored r;
        snprintf(path, sizeof path, "%s/dumps/%s", RH_CORPORA, dumps[i].file);
        expect_restored(&r, path, dumps[i].tables, dumps[i].rows);
        release(&r);
    }
    restored r;
    restore(&r, RH_CORPORA "/dumps/pagila.sql");
    assert_true(r.fine && r.facts.tables == 22 && r.facts.rows == 46273);
    assert_int_equal(r.facts.missing_count, 1); /* a view WITH NO DATA */
    assert_string_equal(r.facts.missing[0].what, "MATERIALIZED VIEW DATA public.rental_by_category");
    release(&r);
    expect_restored(&r, RH_CORPORA "/dumps/pagila-9.4.backup", 21, 46273);
    assert_true(skipped(&r, "SCHEMA public"));
    assert_true(skipped(&r, "role ihsa"));
    release(&r);
}

static bool missing(const restored *r, const char *what)
{
    for (size_t i = 0; i < r->facts.missing_count; i++)
        if (strcmp(r->facts.missing[i].what, what) == 0)
            return true;
    return false;
}

static void expect_missing(const char *path, const char *what)
{
    restored r;
    restore(&r, path);
    if (!r.fine || !missing(&r, what))
        fail_msg("%s: %s, %zu missing", path, r.fine ? "restored" : r.error.message, r.facts.missing_count);
    release(&r);
}

/* With a table goes what cannot be without it. */
static void a_table_is_left_out_whole(void **state)
{
    (void)state;
    static const rh_skip tables[] = {{"TABLE public.parent", {"s.yaml", 3, 9}},
                                     {"TABLE public.old", {"s.yaml", 4, 9}}};
    static const char *const paths[] = {"numbered.dump", "numbered.sql"};
    assert_int_equal(
        shell(
            "createdb numbered && psql -qX -v ON_ERROR_STOP=1 -d numbered -o /dev/null -c "
            "'CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY); INSERT INTO parent DEFAULT "
            "VALUES; CREATE TABLE old (id serial PRIMARY KEY); INSERT INTO old DEFAULT VALUES; "
            "CREATE TABLE child (parent_id int REFERENCES parent); INSERT INTO child VALUES (1)' && "
            "pg_dump -Fc -f numbered.dump numbered && pg_dump -f numbered.sql numbered"),
        0);
    skips = tables;
    skip_count = 2;
    for (size_t i = 0; i < 2; i++) {
        restored r;
        expect_restored(&r, paths[i], 1, 1);
        assert_int_equal(r.facts.missing_count, 0);
        assert_true(skipped(&r, "FK CONSTRAINT public.child"));
        release(&r);
    }
    skips = NULL;
    skip_count = 0;
}

static void missing_parts_of_a_dump_are_reported(void **state)
{
    (void)state;
    assert_int_equal(
        shell(
            "pg_dump -s -f schema.sql && pg_dump -Fc -s -f schema && pg_dump --section=pre-data -f pre.sql && "
            "pg_dump -Fc --section=pre-data --section=data -f nokeys && pg_dump --section=pre-data "
            "--section=data -f nokeys.sql && pg_dump -Fc --exclude-table-data=texts -f part && pg_dump "
            "--inserts --exclude-table-data=texts -f part.sql && pg_dump -Fc -a -f rows && pg_dump -a -f "
            "rows.sql && pg_dump -Fc --section=post-data -f post && sed '/database dump/d' plain > nolast"),
        0);
    expect_missing("schema", "the rows of all tables");
    expect_missing("schema.sql", "the rows of all tables");
    expect_missing("pre.sql", "the rows of all tables");
    expect_missing("nokeys", "keys, indexes, triggers and rules");
    expect_missing("nokeys.sql", "keys, indexes, triggers and rules");
    expect_missing("part", "TABLE DATA public.texts");
    expect_missing("part.sql", "TABLE DATA public.texts");
    expect_failed("rows", RH_ERROR_BACKUP, "creates no table", 0);
    expect_failed("rows.sql", RH_ERROR_BACKUP, "creates no table", 0);
    expect_failed("post", RH_ERROR_BACKUP, "creates no table", 0);
    expect_failed("nolast", RH_ERROR_BACKUP, "last line", 0);
    restored r;
    static const rh_skip texts = {"TABLE DATA public.texts", {"s.yaml", 3, 9}};
    static const rh_skip absent = {"TABLE DATA public.absent", {"s.yaml", 3, 9}};
    skips = &texts;
    skip_count = 1;
    expect_restored(&r, "part", 6, 5101);
    assert_int_equal(r.facts.missing_count, 0);
    assert_true(skipped(&r, "TABLE DATA public.texts"));
    release(&r);
    expect_restored(&r, "plain", 6, 5101); /* which has them */
    release(&r);
    static const rh_skip keys = {"POST-DATA", {"s.yaml", 3, 9}};
    static const char *const keyless[] = {"nokeys", "nokeys.sql", "custom", "plain"};
    skips = &keys;
    for (size_t i = 0; i < 4; i++) {
        expect_restored(&r, keyless[i], 6, 5103);
        assert_int_equal(r.facts.missing_count, 0);
        release(&r);
    }
    skips = &absent;
    static const char *const paths[] = {"custom", "plain"};
    for (size_t i = 0; i < 2; i++) {
        restore(&r, paths[i]);
        assert_false(r.fine);
        assert_int_equal(r.error.code, RH_ERROR_SCENARIO);
        rh_error_release(&r.error);
        assert_true(rh_backup_check_skip(&r.facts, &texts, 1, &r.error));
        assert_false(rh_backup_check_skip(&r.facts, &absent, 1, &r.error));
        assert_int_equal(r.error.code, RH_ERROR_SCENARIO);
        assert_int_equal(r.error.line * 100 + r.error.column, 309);
        release(&r);
    }
    skip_count = 0;
}

/* Parallel jobs load tables in no fixed order: that of the archive decides, as with one job. */
static void the_order_of_loading_is_fixed(void **state)
{
    (void)state;
    static const char sql[] =
        "CREATE TABLE %s (id int, email text); CREATE TABLE m_allowed (email text PRIMARY KEY);"
        "CREATE FUNCTION chk(e text) RETURNS boolean LANGUAGE plpgsql AS $x$ BEGIN RETURN EXISTS (SELECT 1 FROM "
        "public.m_allowed WHERE email = e); END $x$; INSERT INTO m_allowed SELECT g || repeat($x$x$x$, 500) FROM "
        "generate_series(1, 2000) g; ALTER TABLE %s ADD CONSTRAINT ok CHECK (chk(email)); INSERT INTO %s SELECT 1, "
        "email FROM m_allowed LIMIT 1;";
    static const char *const tables[] = {"a_lines", "\"z\nlines\""};
    for (size_t i = 0; i < 2; i++) {
        restored r;
        char path[100];
        snprintf(path, sizeof path, "%s/order.sql", directory);
        FILE *file = fopen(path, "w");
        fprintf(file, sql, tables[i], tables[i], tables[i]);
        fclose(file);
        assert_int_equal(shell("createdb order%zu && psql -qX -v ON_ERROR_STOP=1 -d order%zu -f order.sql && "
                               "pg_dump -Fc -f order order%zu && pg_dump -f orderplain order%zu",
                               i, i, i, i),
                         0);
        if (i == 0) {
            restore(&r, "order");
            assert_false(r.fine);
            assert_non_null(strstr(r.error.message, "a_lines"));
        } else {
            expect_restored(&r, "order", 2, 2001);
            release(&r);
            expect_restored(&r, "orderplain", 2, 2001); /* whose headings have a blank in that name */
            assert_int_equal(r.facts.missing_count, 0);
        }
        release(&r);
    }
}

static int64_t can_create(const restored *r)
{
    int64_t may = -1;
    rh_pg *pg = rh_pg_connect(r->conninfo, "test", NULL);
    rh_pg_query_int(pg, "SELECT has_schema_privilege('gone', 'public', 'CREATE')::int", &may, NULL);
    rh_pg_close(pg);
    return may;
}

/* pg_dump does not write privileges that are the default; PostgreSQL 15 changed that of public. */
static void public_is_as_open_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *edit;
        int server, dump;
    } cases[] = {{"cat", 14, 14},
                 {"cat", 15, 15},
                 {"cat", 14, 15},
                 {"sed 's/^SET row_security.*/&\\nREVOKE CREATE ON SCHEMA public FROM PUBLIC;/'", 13, 13}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restored r;
        assert_int_equal(
            shell("sed 's/^-- Dumped from database version .*/-- Dumped from database version %d.3/; "
                  "s/^-- Dumped by pg_dump version .*/-- Dumped by pg_dump version %d.3/' plain | %s "
                  "> public",
                  cases[i].server, cases[i].dump, cases[i].edit),
            0);
        restore(&r, "public");
        assert_true(r.fine);
        assert_int_equal(can_create(&r), i == 0);
        release(&r);
    }
}

/* Without headings there is no list of what it should hold; without statements either it is cut off. */
static void a_dump_without_headings_is_not_empty(void **state)
{
    (void)state;
    restored r;
    assert_int_equal(
        shell("grep -v '^-- \\(Data for \\)\\?Name: ' plain > bare && grep -m1 -B99 row_security "
              "plain > headonly"),
        0);
    expect_restored(&r, "bare", 6, 5103);
    assert_int_equal(r.facts.missing_count, 0);
    assert_false(skipped(&r, "nothing"));
    release(&r);
    expect_failed("headonly", RH_ERROR_BACKUP, "last line", 0);
}

static void a_cluster_of_one_database_restores(void **state)
{
    (void)state;
    restored r;
    expect_restored(&r, "all", 6, 5103);
    assert_string_equal(r.facts.dumpall_database, "shop");
    release(&r);
    expect_restored(&r, "allclean", 6, 5103);
    release(&r);
    assert_int_equal(
        shell("awk '/^SET row_security/ {print; print \"DROP INDEX public.absent;\\nALTER TABLE ONLY "
              "public.parts DROP CONSTRAINT x;\\nDROP TABLE public.parts;\\nSELECT "
              "pg_catalog.lo_unlink('1');\\nDROP SCHEMA public;\\nCREATE SCHEMA public;\"; next} "
              "{print}' plain > clean14"),
        0);
    expect_restored(&r, "clean14", 6, 5103);
    assert_int_equal(r.facts.missing_count, 0);
    release(&r);
}

/* What pg_restore and psql alone leave out, by the same rules from an archive and from plain SQL. */
static void failures_are_repaired_or_named(void **state)
{
    (void)state;
    FILE *file;
    char path[100];
    snprintf(path, sizeof path, "%s/kit.sql", directory);
    assert_non_null(file = fopen(path, "w"));
    fputs(
        "CREATE SCHEMA far; CREATE EXTENSION citext SCHEMA far; CREATE EXTENSION postgres_fdw;\n"
        "CREATE TABLE items (id int PRIMARY KEY, title text, nick far.citext); INSERT INTO items SELECT g, g, g "
        "FROM generate_series(1, 9) g;\n"
        "CREATE FUNCTION top() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT id FROM items; "
        "END';\n"
        "CREATE FUNCTION strip(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';\n"
        "CREATE FUNCTION low(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT strip(t)';\n"
        "CREATE INDEX items_low ON items (low(title)); CREATE MATERIALIZED VIEW best AS SELECT * FROM top() AS i;\n"
        "CREATE UNIQUE INDEX ON best (i); CREATE ROLE boss SUPERUSER; CREATE FUNCTION e() RETURNS event_trigger "
        "LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION e();\n"
        "ALTER EVENT TRIGGER t OWNER TO boss;\n",
        file);
    fclose(file);
    assert_int_equal(
        shell(
            "createdb kit && psql -qX -v ON_ERROR_STOP=1 -d kit -f kit.sql && pg_dump -Fc -N far -f kit kit && "
            "pg_dump -N far -f kitplain kit && psql -qX -d kit -c 'CREATE SERVER far FOREIGN DATA WRAPPER "
            "postgres_fdw OPTIONS (host $$127.0.0.1$$, port $$1$$); CREATE USER MAPPING FOR PUBLIC SERVER far; "
            "CREATE FOREIGN TABLE f (i int) SERVER far; CREATE MATERIALIZED VIEW m AS SELECT * FROM f WITH NO "
            "DATA' && pg_dump -f lost kit && sed -i 's/^-- PostgreSQL database dump complete/REFRESH "
            "MATERIALIZED VIEW public.m;\\n&/' lost && psql -qX -d kit -c 'ALTER EVENT TRIGGER t OWNER TO "
            "postgres; ALTER ROLE boss NOSUPERUSER'"),
        0);
    static const char *const paths[] = {"kit", "kitplain"};
    for (size_t i = 0; i < 2; i++) {
        restored r;
        int64_t rows = 0;
        expect_restored(&r, paths[i], 1, 9);
        assert_true(skipped(&r, "SCHEMA far"));
        assert_true(skipped(&r, "EVENT TRIGGER t"));
        assert_true(skipped(&r, "INDEX public.items_low"));
        assert_true(skipped(&r, "MATERIALIZED VIEW DATA public.best"));
        rh_pg *pg = rh_pg_connect(r.conninfo, "test", NULL);
        assert_true(rh_pg_query_int(
            pg, "SELECT count(*) FROM best WHERE to_regclass('items_low') IS NOT NULL", &rows, NULL));
        assert_int_equal(rows, 9);
        rh_pg_close(pg);
        release(&r);
    }
    restored r;
    restore(&r, "lost");
    assert_false(r.fine);
    assert_non_null(strstr(r.error.message, "public.m"));
    assert_non_null(strstr(r.error.hint, "isolated"));
    release(&r);
}

static void missing_roles_are_made_or_left_out(void **state)
{
    (void)state;
    static const char *const paths[] = {"custom", "plain"};
    for (size_t i = 0; i < 2; i++) {
        restored r;
        assert_int_equal(shell("for d in shop $(psql -XAtc \"SELECT datname FROM pg_database WHERE datname "
                               "LIKE 'restored%%'\"); do"
                               " psql -qX -d $d -c 'REASSIGN OWNED BY gone TO postgres; DROP OWNED BY gone'; "
                               "done && psql -qXc 'DROP ROLE gone'"),
                         0);
        restore_with(&r, paths[i], false);
        if (!r.fine)
            fail_msg("%s: %s", paths[i], r.error.message);
        assert_int_equal(r.facts.tables, 6);
        assert_true(skipped(&r, "role gone"));
        release(&r);
        expect_restored(&r, paths[i], 6, 5103);
        assert_true(skipped(&r, "role gone"));
        rh_error error = {0};
        int64_t count = 0;
        rh_pg *pg = rh_pg_connect(r.conninfo, "test", &error);
        assert_true(rh_pg_query_int(
            pg, "SELECT count(*) FROM pg_tables WHERE tableowner = 'gone' AND tablename = 'texts'", &count,
            &error));
        assert_int_equal(count, 1);
        assert_true(rh_pg_query_int(
            pg, "SELECT count(*) FROM pg_roles WHERE rolname = 'gone' AND NOT rolcanlogin", &count, &error));
        assert_int_equal(count, 1);
        rh_pg_close(pg);
        release(&r);
    }
}

static void damage_is_told(void **state)
{
    (void)state;
    assert_int_equal(
        shell("head -c 3000 custom > cut1; head -c -1 custom > cut2; head -c -1 piped > cut3; "
              "head -c 20000 piped > cut4;"
              "head -c 30000 tar > cut5; head -c 60000 plain > cut6; head -c -200 plain > cut7; "
              "head -c 9000 gz > cut8;"
              "cp -r dir cut9; rm $(ls -S cut9/*.gz | head -1); cp -r dir cut10; f=$(ls -S "
              "cut10/*.gz | head -1);"
              "head -c 500 $f > x; mv x $f; cp custom flipped; printf 'xxxx' | dd of=flipped "
              "bs=1 seek=$(($(stat -c %%s custom) - 9000)) conv=notrunc 2>/dev/null;"
              "pg_dump -Fd -Z0 -f raw; f=$(ls -S raw/*.dat | head -1); f=$(grep -l tab "
              "raw/*.dat | head -1); head -c 1000 $f > x; mv x $f;"
              "cp -r dir fifo; f=$(ls -S fifo/*.gz | head -1); rm $f; mkfifo $f; cp -r dir link; "
              "f=$(ls -S link/*.gz | head -1); rm $f; ln -s /dev/zero $f;"
              "cp -r dir unlisted; echo | gzip > unlisted/99999.dat.gz; cp -r dir longer; echo >> "
              "longer/toc.dat; (cat custom; echo) > longer2; (cat piped; head -c 30 custom) > "
              "longer3"),
        0);
    static const char *const cuts[] = {"cut1", "cut2", "cut3",     "cut4",   "cut5",    "cut6",
                                       "cut7", "cut8", "cut9",     "cut10",  "flipped", "raw",
                                       "fifo", "link", "unlisted", "longer", "longer2", "longer3"};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        expect_failed(cuts[i], RH_ERROR_BACKUP, "", 0);
}

static void failing_half_way_names_the_line(void **state)
{
    (void)state;
    assert_int_equal(shell("printf 'CREATE TABLE a (i int);\\n\\nSELECT 1;\\nINSERT INTO a\\nVALUES (1), "
                           "(2);\\nINSERT INTO missing\\nVALUES (1);\\nSELECT 2;\\n' > half;"
                           "printf 'CREATE TABLE a (i int);\\nCOPY a (i) FROM "
                           "stdin;\\n1\\n2\\nsecret\\n4\\n\\\\.\\nSELECT 1;\\n' > copyfail;"
                           "printf 'CREATE TABLE a (i int);\\nSET transaction_timeout = 0;\\nCREATE SCHEMA "
                           "public;\\nINSERT INTO a VALUES (1);\\n' > newer;"
                           "printf 'CREATE EXTENSION nowhere;\\n' > extension"),
                     0);
    expect_failed("half", RH_ERROR_BACKUP, "relation \"missing\" does not exist", 6);
    expect_failed("copyfail", RH_ERROR_BACKUP, "invalid input syntax", 5);
    expect_failed("extension", RH_ERROR_BACKUP, "extension \"nowhere\"", 1);
    restored r;
    restore(&r, "copyfail");
    assert_null(strstr(r.error.message, "secret"));
    release(&r);
    expect_restored(&r, "newer", 1, 1);
    assert_true(skipped(&r, "transaction_timeout"));
    assert_true(skipped(&r, "CREATE SCHEMA public"));
    release(&r);
}

static void hostile_dumps_run_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        shell("printf 'CREATE TABLE a (i int);\\n\\\\! touch %s/pwned\\n' > shell;"
              "printf 'CREATE TABLE a (i int);\\nCOPY a FROM PROGRAM '\"'touch %s/pwned'\"';\\n' > program;"
              "psql -qXc \"COMMENT ON TABLE nothing IS "
              "'0123456789012345678901234567890123456789012345678901234567890123456789'\" && pg_dump -Fc -f "
              "hostile &&"
              "perl -0pi -e 's#COMMENT ON TABLE public\\.nothing IS .[0-9]{70}.;#my $n = \"COPY nothing FROM "
              "PROGRAM \\x27touch %s/pwned\\x27;\"; $n . (\" \" x (length($&) - length($n)))#e' hostile && "
              "grep -aq 'FROM PROGRAM' hostile",
              directory, directory, directory),
        0);
    expect_failed("shell", RH_ERROR_REFUSED, "\\!", 2);
    expect_failed("program", RH_ERROR_REFUSED, "COPY", 2);
    expect_failed("hostile", RH_ERROR_REFUSED, "COPY", 0);
    /* What the lexer cannot see, because it happens on the server: psql's own guard and the missing exec
     * stand behind it. */
    assert_int_equal(
        shell("printf \"DO \\$\\$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END "
              "\\$\\$;\\nSELECT '\\\\\\\\'' \\\\\\\\! touch %s/pwned\\n', 1;SELECT ';\\n';\\n\" > sneaky",
              directory),
        0);
    expect_failed("sneaky", RH_ERROR_REFUSED, "", 0);
    assert_int_equal(shell("test ! -e pwned"), 0);
}

/* One bit in the text of a comment: no missing object or role explains the error. */
static void a_comment_that_does_not_parse_is_damage(void **state)
{
    (void)state;
    assert_int_equal(
        shell("psql -qXc 'DROP TABLE IF EXISTS nothing' -c 'CREATE TABLE nothing ()' -c \"COMMENT ON "
              "TABLE nothing IS 'x'\" && pg_dump -Fc -f comment && "
              "perl -0pi -e 's/COMMENT ON TABLE/COMMENT ON TQBLE/' comment"),
        0);
    expect_failed("comment", RH_ERROR_BACKUP, "COMMENT", 0);
}

/* On a given server they would outlive the run. */
static void dumps_do_not_change_the_server(void **state)
{
    (void)state;
    assert_int_equal(
        shell(
            "printf 'CREATE TABLE a (i int);\\nALTER SYSTEM SET work_mem = 77;\\n' > system;"
            "printf 'CREATE TABLESPACE t LOCATION '\"'%s/ts'\"';\\nCREATE TABLE a (i int);\\nDROP TABLESPACE "
            "t;\\n' > tablespace;"
            "psql -qXc \"DROP TABLE IF EXISTS nothing\" -c \"CREATE TABLE nothing ()\" -c \"COMMENT ON TABLE "
            "nothing IS '0123456789012345678901234567890123456789'\" && pg_dump -Fc -f settings &&"
            "perl -0pi -e 's#COMMENT ON TABLE public\\.nothing IS .[0-9]{40}.;#my $n = \"ALTER SYSTEM SET "
            "work_mem = 77; -- nothing\"; $n . (\" \" x (length($&) - length($n)))#e' settings && "
            "grep -aq 'ALTER SYSTEM' settings",
            directory),
        0);
    expect_failed("system", RH_ERROR_REFUSED, "ALTER SYSTEM", 2);
    expect_failed("settings", RH_ERROR_REFUSED, "ALTER SYSTEM", 0);
    restored r;
    expect_restored(&r, "tablespace", 1, 0);
    assert_true(skipped(&r, "tablespace t"));
    release(&r);
}

static void a_small_table_is_read_without_a_server(void **state)
{
    (void)state;
    static const char *const paths[] = {"custom", "dir", "tar", "plain", "inserts", "gz", "zip"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        rh_arena *arena = rh_arena_new();
        rh_backup_facts facts;
        rh_error error = {0};
        rh_rows rows;
        char full[300];
        snprintf(full, sizeof full, "%s/%s", directory, paths[i]);
        assert_true(rh_backup_inspect(full, arena, &facts, NULL, &error));
        static const char *const names[] = {"schema_migrations", "public.schema_migrations"};
        for (size_t j = 0; j < 2; j++) {
            if (!rh_backup_read_table(&facts, cluster->bindir, names[j], arena, &rows, &error))
                fail_msg("%s: %s", paths[i], error.message);
            assert_true(rows.present);
            assert_int_equal(rows.row_count, 1);
            assert_int_equal(rows.column_count, 2);
            assert_string_equal(rows.columns[1], "dirty");
            assert_string_equal(rows.rows[0][0], "12");
            assert_true(rows.rows[0][1][0] == 'f');
        }
        assert_true(rh_backup_read_table(&facts, cluster->bindir, "texts", arena, &rows, &error));
        assert_int_equal(rows.row_count, 2);
        assert_string_equal(rows.rows[0][0], "x\ty\\z");
        assert_null(rows.rows[0][1]);
        assert_string_equal(rows.rows[1][0], "it's");
        assert_string_equal(rows.rows[1][1], "");
        assert_true(rh_backup_read_table(&facts, cluster->bindir, "nothing", arena, &rows, &error));
        assert_true(rows.present);
        assert_int_equal(rows.row_count, 0);
        assert_int_equal(rows.column_count, 2);
        assert_string_equal(rows.columns[1], "b c");
        assert_true(rh_backup_read_table(&facts, cluster->bindir, "absent", arena, &rows, &error));
        assert_false(rows.present);
        rh_arena_free(arena);
    }
}

static void a_newer_archive_is_refused(void **state)
{
    (void)state;
    restored r;
    assert_int_equal(shell("cp custom newer.dump"), 0);
    restore(&r, "custom");
    assert_true(r.fine);
    r.facts.archive_version = "1.16"; /* as inspect would tell of one by pg_dump 17 */
    rh_restore_target target = {.conninfo = r.conninfo, .pg_restore = pg_restore, .jobs = 1};
    assert_false(rh_backup_restore(&r.facts, &target, r.arena, NULL, &r.error));
    assert_int_equal(r.error.code, RH_ERROR_BACKUP);
    assert_non_null(strstr(r.error.message, "archive version 1.16 was made by pg_dump 17"));
    assert_non_null(strstr(r.error.hint, "17"));
    release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_restores_the_same),
        cmocka_unit_test(real_dumps_restore),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(failing_half_way_names_the_line),
        cmocka_unit_test(hostile_dumps_run_nothing),
        cmocka_unit_test(a_comment_that_does_not_parse_is_damage),
        cmocka_unit_test(dumps_do_not_change_the_server),
        cmocka_unit_test(a_small_table_is_read_without_a_server),
        cmocka_unit_test(a_newer_archive_is_refused),
        cmocka_unit_test(a_table_is_left_out_whole),
        cmocka_unit_test(missing_parts_of_a_dump_are_reported),
        cmocka_unit_test(the_order_of_loading_is_fixed),
        cmocka_unit_test(public_is_as_open_as_it_was),
        cmocka_unit_test(a_dump_without_headings_is_not_empty),
        cmocka_unit_test(a_cluster_of_one_database_restores),
        cmocka_unit_test(missing_roles_are_made_or_left_out),
        cmocka_unit_test(failures_are_repaired_or_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
