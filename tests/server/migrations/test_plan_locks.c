/* The locks that plan reports, beside those that pg_locks shows: each statement runs in a transaction of its
 * own on a small database, whose definitions plan reads from pg_dump. Compared are tables, views and
 * sequences from ROW EXCLUSIVE on; indexes where the statement is about one. */
#include "../../unit/migrations/plan_fixture.h"
#include "../cluster.h"
#include "pgrehearse/adapters/pg.h"
#include <sys/wait.h>

/* clang-format off */
static const char SCHEMA[] =
    "CREATE SCHEMA app; CREATE SCHEMA old;\n"
    "CREATE DOMAIN app.positive AS integer CHECK (VALUE > 0);\n"
    "CREATE DOMAIN app.plain AS text;\n"
    "CREATE TYPE app.mood AS ENUM ('a','b');\n"
    "CREATE TYPE app.pair AS (x int, y int);\n"
    "CREATE TABLE public.accounts (id bigint PRIMARY KEY, email text, status varchar(10), score app.positive, mood app.mood, note app.plain, p app.pair);\n"
    "CREATE TABLE public.orders (id bigint PRIMARY KEY, account_id bigint, state text, total numeric(10,2), created_at timestamp, code uuid);\n"
    "ALTER TABLE public.orders ADD CONSTRAINT orders_account_fk FOREIGN KEY (account_id) REFERENCES public.accounts(id);\n"
    "CREATE TABLE public.items (id bigserial PRIMARY KEY, order_id bigint REFERENCES public.orders(id) ON DELETE CASCADE, label text, during int4range);\n"
    "CREATE INDEX orders_state_idx ON public.orders (state);\n"
    "CREATE UNIQUE INDEX orders_code_idx ON public.orders (code);\n"
    "CREATE VIEW public.paid AS SELECT * FROM public.orders WHERE state = 'paid';\n"
    "CREATE VIEW public.paid2 AS SELECT id FROM public.paid;\n"
    "CREATE MATERIALIZED VIEW public.totals AS SELECT account_id, sum(total) AS t FROM public.orders GROUP BY 1;\n"
    "CREATE UNIQUE INDEX totals_idx ON public.totals(account_id);\n"
    "CREATE TABLE public.events (id bigint NOT NULL, at timestamptz NOT NULL, who bigint, body text) PARTITION BY RANGE (at);\n"
    "CREATE TABLE public.events_2023 PARTITION OF public.events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');\n"
    "CREATE TABLE public.events_default PARTITION OF public.events DEFAULT;\n"
    "CREATE TABLE public.events_2024 (LIKE public.events);\n"
    "CREATE INDEX events_who_idx ON public.events(who);\n"
    "CREATE TABLE public.ev (id bigint NOT NULL, at timestamptz NOT NULL, who bigint REFERENCES public.accounts(id), PRIMARY KEY (id, at)) PARTITION BY RANGE (at);\n"
    "CREATE TABLE public.ev_2023 PARTITION OF public.ev FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');\n"
    "CREATE TABLE public.ev_2024 PARTITION OF public.ev FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (id);\n"
    "CREATE TABLE public.ev_2024a PARTITION OF public.ev_2024 FOR VALUES FROM (0) TO (100);\n"
    "CREATE TABLE public.ev_new (id bigint NOT NULL, at timestamptz NOT NULL, who bigint);\n"
    "CREATE TABLE public.base (id int, a text); CREATE TABLE public.child (b text) INHERITS (public.base);\n"
    "CREATE TABLE old.ledger (id bigserial PRIMARY KEY, account_id bigint REFERENCES public.accounts(id), amount numeric);\n"
    "CREATE TABLE old.plain (id int, kind app.mood);\n"
    "CREATE SEQUENCE public.numbers; CREATE TABLE public.numbered (id int DEFAULT nextval('public.numbers'), v text);\n"
    "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n"
    "CREATE FUNCTION public.g() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
    "CREATE TRIGGER tr BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.f();\n"
    "CREATE POLICY pol ON public.accounts USING (true);\n"
    "CREATE RULE ru AS ON DELETE TO public.numbered DO INSTEAD NOTHING;\n"
    "CREATE STATISTICS public.st ON state, account_id FROM public.orders;\n"
    "CREATE PUBLICATION pub FOR TABLE public.orders;\n"
    "CREATE TABLE public.gen (id int, n int NOT NULL);\n"
    "CREATE UNIQUE INDEX gen_idx ON public.gen(id);\n"
    "CREATE FUNCTION app.drop_me() RETURNS text LANGUAGE sql AS 'select $$x$$::text';\n"
    "CREATE TABLE public.defs (id int, v text DEFAULT app.drop_me());\n"
    "CREATE TABLE public.self (id int PRIMARY KEY, parent int REFERENCES public.self(id));\n"
    "ALTER TABLE public.items ADD CONSTRAINT label_ck CHECK (label <> '') NOT VALID;\n"
    "ALTER TABLE public.orders ADD CONSTRAINT nv FOREIGN KEY (account_id) REFERENCES public.accounts(id) NOT VALID;\n";

static const char *const STATEMENTS[] = {
    "CREATE TABLE n1 (id int REFERENCES orders(id), a bigint, FOREIGN KEY (a) REFERENCES accounts(id))",
    "ALTER TABLE items ADD COLUMN acc bigint REFERENCES accounts(id)",
    "ALTER TABLE items ADD CONSTRAINT x FOREIGN KEY (order_id) REFERENCES orders(id) NOT VALID",
    "ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders(id)",
    "ALTER TABLE orders DROP CONSTRAINT orders_account_fk",
    "ALTER TABLE orders VALIDATE CONSTRAINT nv",
    "ALTER TABLE items VALIDATE CONSTRAINT label_ck",
    "ALTER TABLE events ATTACH PARTITION events_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
    "ALTER TABLE ev ATTACH PARTITION ev_new FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "CREATE TABLE ev_2025 PARTITION OF ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "ALTER TABLE events DETACH PARTITION events_2023",
    "ALTER TABLE ev DETACH PARTITION ev_2023",
    "ALTER TABLE events ADD COLUMN z int",
    "ALTER TABLE ev ALTER COLUMN who SET NOT NULL",
    "ALTER TABLE ev ADD CONSTRAINT c CHECK (who > 0) NOT VALID",
    "ALTER TABLE ev ADD FOREIGN KEY (who) REFERENCES accounts(id)",
    "ALTER TABLE ev DROP CONSTRAINT ev_who_fkey",
    "ALTER TABLE base ADD COLUMN z int",
    "ALTER TABLE ONLY base SET (fillfactor=90)",
    "ALTER TABLE base ALTER COLUMN a TYPE varchar",
    "CREATE INDEX ON events (body)",
    "CREATE INDEX ON base (a)",
    "CREATE INDEX ON ONLY events (body)",
    "DROP INDEX events_who_idx",
    "DROP INDEX orders_state_idx",
    "REINDEX TABLE orders",
    "REINDEX INDEX orders_state_idx",
    "DROP TABLE accounts CASCADE",
    "DROP TABLE orders CASCADE",
    "DROP TABLE items",
    "DROP TABLE events",
    "DROP TABLE events_2023",
    "DROP VIEW paid CASCADE",
    "DROP VIEW paid2",
    "DROP MATERIALIZED VIEW totals",
    "DROP SCHEMA old CASCADE",
    "DROP SCHEMA app CASCADE",
    "ALTER DOMAIN app.positive ADD CONSTRAINT c CHECK (VALUE < 100000)",
    "ALTER DOMAIN app.positive ADD CONSTRAINT c CHECK (VALUE < 100000) NOT VALID",
    "ALTER DOMAIN app.plain SET NOT NULL",
    "ALTER DOMAIN app.plain SET DEFAULT 'x'",
    "ALTER DOMAIN app.positive DROP CONSTRAINT positive_check",
    "ALTER TYPE app.mood ADD VALUE 'c'",
    "ALTER TYPE app.mood RENAME VALUE 'a' TO 'z'",
    "ALTER TYPE app.mood RENAME TO humor",
    "ALTER TYPE app.pair ADD ATTRIBUTE z int",
    "ALTER TYPE app.pair RENAME ATTRIBUTE x TO xx",
    "DROP TYPE app.mood CASCADE",
    "DROP DOMAIN app.plain CASCADE",
    "ALTER SEQUENCE numbers RESTART 5",
    "ALTER SEQUENCE numbers OWNED BY numbered.id",
    "ALTER SEQUENCE numbers RENAME TO nn",
    "ALTER SEQUENCE numbers INCREMENT 5",
    "DROP SEQUENCE numbers CASCADE",
    "ALTER VIEW paid RENAME TO pp",
    "ALTER VIEW paid2 SET SCHEMA app",
    "CREATE OR REPLACE VIEW paid AS SELECT * FROM orders WHERE state = 'p'",
    "CREATE VIEW newv AS SELECT * FROM orders",
    "CREATE MATERIALIZED VIEW newm AS SELECT * FROM orders",
    "REFRESH MATERIALIZED VIEW totals",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
    "CREATE TRIGGER t2 AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE TRIGGER t2 AFTER INSERT ON ev FOR EACH ROW EXECUTE FUNCTION f()",
    "DROP TRIGGER tr ON orders",
    "ALTER TRIGGER tr ON orders RENAME TO tr2",
    "CREATE POLICY p2 ON orders USING (true)",
    "ALTER POLICY pol ON accounts USING (false)",
    "DROP POLICY pol ON accounts",
    "CREATE RULE r2 AS ON UPDATE TO numbered DO INSTEAD NOTHING",
    "DROP RULE ru ON numbered",
    "ALTER RULE ru ON numbered RENAME TO r3",
    "TRUNCATE accounts CASCADE",
    "TRUNCATE items",
    "TRUNCATE ev",
    "TRUNCATE items RESTART IDENTITY",
    "WITH moved AS (UPDATE accounts SET status='x' RETURNING id) SELECT count(*) FROM moved",
    "WITH d AS (DELETE FROM items RETURNING *) INSERT INTO old.plain SELECT id FROM d",
    "INSERT INTO items(order_id) SELECT id FROM orders",
    "UPDATE ev SET who=1",
    "DELETE FROM orders WHERE id=1",
    "UPDATE orders SET state='x' FROM accounts a WHERE a.id=account_id",
    "UPDATE orders SET account_id=1",
    "MERGE INTO orders o USING accounts a ON a.id=o.account_id WHEN MATCHED THEN DELETE",
    "SELECT * FROM orders o JOIN accounts a ON a.id=o.account_id FOR UPDATE OF o",
    "SELECT * FROM orders FOR SHARE",
    "SELECT * FROM paid",
    "LOCK TABLE orders, accounts",
    "LOCK TABLE ev IN SHARE MODE",
    "LOCK TABLE paid",
    "CREATE STATISTICS s2 ON id, state FROM orders",
    "DROP STATISTICS st",
    "ALTER STATISTICS st SET STATISTICS 100",
    "ALTER TABLE orders RENAME TO o2",
    "ALTER TABLE orders RENAME COLUMN state TO st2",
    "ALTER TABLE ev RENAME COLUMN who TO w",
    "ALTER TABLE base RENAME COLUMN a TO w",
    "ALTER TABLE orders RENAME CONSTRAINT nv TO nv2",
    "ALTER TABLE orders SET SCHEMA app",
    "ALTER TABLE items SET SCHEMA app",
    "ALTER TABLE orders OWNER TO postgres",
    "ALTER TABLE items OWNER TO postgres",
    "ALTER INDEX orders_state_idx RENAME TO oi",
    "ALTER INDEX orders_state_idx SET (fillfactor=50)",
    "ALTER TABLE orders DROP COLUMN state CASCADE",
    "ALTER TABLE accounts DROP COLUMN id CASCADE",
    "ALTER TABLE gen ADD PRIMARY KEY USING INDEX gen_idx",
    "ALTER TABLE accounts ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE accounts FORCE ROW LEVEL SECURITY",
    "ALTER TABLE orders DISABLE TRIGGER ALL",
    "ALTER TABLE ev DISABLE TRIGGER ALL",
    "CLUSTER orders USING orders_state_idx",
    "COMMENT ON TABLE orders IS 'x'",
    "COMMENT ON COLUMN orders.id IS 'x'",
    "COMMENT ON INDEX orders_state_idx IS 'x'",
    "COMMENT ON VIEW paid IS 'x'",
    "COMMENT ON TRIGGER tr ON orders IS 'x'",
    "COMMENT ON CONSTRAINT nv ON orders IS 'x'",
    "GRANT SELECT ON orders TO PUBLIC",
    "DROP FUNCTION g()",
    "DROP FUNCTION f() CASCADE",
    "DROP FUNCTION app.drop_me() CASCADE",
    "CREATE OR REPLACE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "ALTER PUBLICATION pub ADD TABLE accounts",
    "ALTER PUBLICATION pub DROP TABLE orders",
    "CREATE PUBLICATION pub2 FOR TABLE accounts",
    "DROP PUBLICATION pub",
    "CREATE TABLE lk (LIKE orders INCLUDING ALL)",
    "CREATE TABLE inh (z int) INHERITS (base)",
    "ALTER TABLE child NO INHERIT base",
    "CREATE TABLE cta AS SELECT * FROM orders",
    "SELECT * INTO cta2 FROM orders",
    "ANALYZE orders",
    "ALTER SCHEMA old RENAME TO older",
    "ALTER TABLE orders REPLICA IDENTITY FULL",
    "ALTER TABLE orders ALTER COLUMN state SET STATISTICS 100",
    "ALTER TABLE orders CLUSTER ON orders_state_idx",
    "ALTER TABLE gen SET UNLOGGED",
    "ALTER TABLE items ADD CONSTRAINT ex EXCLUDE USING gist (during WITH &&)",
    "ALTER TABLE orders ADD COLUMN pos app.positive",
    "ALTER TABLE orders ADD COLUMN s serial",
    "ALTER TABLE self ADD COLUMN z int REFERENCES self(id)",
    "EXPLAIN ANALYZE UPDATE gen SET n=1",
    "CREATE TABLE IF NOT EXISTS orders (id int REFERENCES accounts(id))",
    "CREATE INDEX IF NOT EXISTS orders_state_idx ON orders(state)",
    "ALTER TABLE orders ADD COLUMN IF NOT EXISTS state text",
    "DROP TABLE IF EXISTS nope",
    "ALTER TABLE ev_2023 ADD CONSTRAINT ck CHECK (who > 0) NOT VALID",
    "ALTER TABLE events_2023 ALTER COLUMN body SET DEFAULT 'x'",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "ALTER TABLE IF EXISTS nope ADD COLUMN z int",
    "CREATE UNIQUE INDEX ON items (label)",
    "CREATE SEQUENCE sq OWNED BY items.id",
    "ALTER TABLE items ALTER COLUMN id DROP DEFAULT",
    "ALTER TABLE items ALTER COLUMN id TYPE int",
    "ALTER SEQUENCE items_id_seq AS bigint",
    "CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON orders FROM accounts FOR EACH ROW EXECUTE FUNCTION f()",
    "ALTER TABLE ev ADD CONSTRAINT uu UNIQUE (who, at, id)",
    "ALTER TABLE ev ADD COLUMN z int REFERENCES accounts(id)",
    "ALTER TABLE ev ALTER COLUMN who SET STATISTICS 10",
    "ALTER TABLE ev ALTER COLUMN who SET DEFAULT 1",
    "ALTER TABLE ev DROP COLUMN who",
    "ALTER TABLE ev ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE ev OWNER TO postgres",
    "ALTER TABLE ev SET SCHEMA app",
    "ALTER TABLE ev RENAME TO ev9",
    "ALTER TABLE base DISABLE TRIGGER ALL",
    "ALTER TABLE base ADD CONSTRAINT ck CHECK (id > 0) NOT VALID",
    "ALTER TABLE base ADD CONSTRAINT ck CHECK (id > 0) NO INHERIT NOT VALID",
    "ALTER TABLE accounts ADD COLUMN n app.plain",
    "ALTER TABLE accounts ADD COLUMN n app.mood DEFAULT 'a'",
    "ALTER TABLE ev DROP CONSTRAINT ev_pkey",
    "DROP POLICY IF EXISTS nope ON accounts",
    "DROP TABLE ev_2024",
    "CREATE VIEW v9 AS SELECT * FROM ev",
    "DELETE FROM accounts WHERE id=1",
    "TRUNCATE base",
    "TRUNCATE ONLY base",
    "LOCK TABLE ONLY base",
    "LOCK TABLE base IN ROW EXCLUSIVE MODE",
    "SELECT * FROM ev",
    "UPDATE base SET a='x'",
    "DELETE FROM ONLY base",
    "INSERT INTO items(order_id, label) VALUES (null,'x') ON CONFLICT DO NOTHING",
    "REFRESH MATERIALIZED VIEW totals WITH NO DATA",
    "ALTER MATERIALIZED VIEW totals RENAME TO t9",
    "ALTER MATERIALIZED VIEW totals SET (fillfactor=80)",
    "ALTER VIEW paid ALTER COLUMN state SET DEFAULT 'x'",
    "ALTER VIEW paid SET (security_barrier)",
    "ALTER TABLE orders ALTER COLUMN state SET STORAGE EXTERNAL",
    "ALTER TABLE orders ALTER COLUMN state SET COMPRESSION pglz",
    "ALTER TABLE orders ADD CHECK (total > 0)",
    "ALTER TABLE gen ADD GENERATED_X int",
    "ALTER TABLE gen ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE gen SET TABLESPACE pg_default",
    "ALTER TABLE accounts DROP CONSTRAINT accounts_pkey CASCADE",
    "CREATE TABLE n3 (LIKE items INCLUDING ALL, x int REFERENCES accounts)",
    "ALTER TABLE orders ENABLE TRIGGER tr",
    "ALTER INDEX events_who_idx RENAME TO e9",
    "DROP SEQUENCE items_id_seq CASCADE",
    "ALTER TYPE app.pair DROP ATTRIBUTE y CASCADE",
    "ALTER TYPE app.mood SET SCHEMA old",
    "ALTER DOMAIN app.positive VALIDATE CONSTRAINT positive_check",
    "CREATE TABLE old.n4 AS TABLE accounts",
    "SELECT g()",
    "CREATE STATISTICS s3 ON id, at FROM ev",
    "CREATE INDEX ON ev_2023 (who)",
    "ALTER TABLE items DROP COLUMN id",
    "ALTER TABLE items DROP COLUMN order_id",
    "ALTER TABLE ev_2023 RENAME TO evx",
    "ALTER TABLE events_2023 ADD CHECK (id > 0)",
    "CREATE TRIGGER t3 BEFORE INSERT ON paid EXECUTE FUNCTION f()",
    "CREATE VIEW paid3 AS SELECT * FROM paid2",
    "MERGE INTO ev USING accounts a ON a.id=ev.who WHEN MATCHED THEN DELETE",
    "ALTER TABLE items ALTER COLUMN order_id TYPE int",
    "ALTER TABLE accounts ALTER COLUMN id TYPE numeric",
    "ALTER TABLE self ALTER COLUMN id TYPE bigint",
    "CREATE TABLE n5 (a bigint, b timestamptz, FOREIGN KEY (a,b) REFERENCES ev)",
    "ALTER TABLE gen ADD COLUMN a bigint, ADD COLUMN b timestamptz, ADD FOREIGN KEY (a,b) REFERENCES ev",
    "TRUNCATE events_2023",
    "ALTER TABLE ev RENAME CONSTRAINT ev_who_fkey TO x",
    "ALTER TABLE base RENAME TO b2",
    "CREATE TABLE old.n6 (LIKE accounts)",
    "ALTER TABLE items RENAME COLUMN label TO l2",
    "ALTER TYPE app.pair ADD ATTRIBUTE w int CASCADE",
    "ALTER TABLE accounts ALTER COLUMN score TYPE bigint",
    "ALTER TABLE ev ALTER COLUMN who DROP NOT NULL",
    "COPY (DELETE FROM items RETURNING id) TO STDOUT",
    "CREATE TABLE n7 AS WITH x AS (UPDATE items SET label='x' RETURNING id) SELECT * FROM x",
    "SELECT 1 FROM items FOR UPDATE",
    "ALTER TABLE items ADD CONSTRAINT u9 UNIQUE (label) DEFERRABLE",
    "WITH a AS (SELECT * FROM orders) UPDATE items SET label = a.state FROM a",
};
/* clang-format on */

/* As they stand before a statement: it may rename or drop them. */
static const char NAMES[] =
    "CREATE SCHEMA probe; CREATE TABLE probe.names AS SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, relkind "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'probe')";

static const char HELD[] =
    "SELECT name, mode, relkind FROM pg_locks l JOIN probe.names n ON n.oid = l.relation "
    "WHERE locktype = 'relation' AND pid = pg_backend_pid()";

typedef struct held {
    const char *relation, *mode;
} held;

static test_cluster *cluster;
static rh_pg *server;
static const char *definitions;

/* The strongest lock on each relation that LIST has. */
static void note(rh_arena *arena, held **list, size_t *count, const char *relation, const char *mode)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*list)[i].relation, relation) == 0) {
            if (rh_lock_mode_strength(mode) > rh_lock_mode_strength((*list)[i].mode))
                (*list)[i].mode = mode;
            return;
        }
    *(held *)rh_arena_add(arena, list, count, sizeof **list) = (held){relation, mode};
}

static int compare_held(const void *a, const void *b)
{
    return strcmp(((const held *)a)->relation, ((const held *)b)->relation);
}

static const char *described(rh_arena *arena, held *list, size_t count)
{
    const char *text = "";
    if (count)
        qsort(list, count, sizeof *list, compare_held);
    for (size_t i = 0; i < count; i++)
        if (rh_lock_mode_strength(list[i].mode) >= 3)
            text =
                rh_arena_printf(arena, "%s%s%s %s", text, *text ? ", " : "", list[i].relation, list[i].mode);
    return *text ? text : "none";
}

/* Names of indexes count only where the statement is about them: an ALTER TABLE locks those of its table,
 * too. */
static bool is_about_index(const char *sql)
{
    return strncmp(sql, "REINDEX", 7) == 0;
}

static const char *measured(const char *sql, rh_arena *arena)
{
    rh_error error = {0};
    held *list = NULL;
    size_t count = 0;
    if (!rh_pg_execute(server, "BEGIN; SET LOCAL client_min_messages = error", &error) ||
        !rh_pg_execute(server, sql, &error))
        fail_msg("%s: %s", sql, error.message);
    rh_pg_result *result = rh_pg_query(server, HELD, 0, NULL, &error);
    assert_non_null(result);
    for (size_t i = 0; i < rh_pg_rows(result); i++) {
        const char *kind = rh_pg_value(result, i, 2), *mode = rh_pg_value(result, i, 1);
        const bool index = *kind == 'i' || *kind == 'I';
        const bool type = *kind == 'c' && strncmp(sql, "ALTER TYPE", 10) != 0; /* a composite type's */
        if ((index && !is_about_index(sql)) || type || (*kind == 'S' && rh_lock_mode_strength(mode) < 6))
            continue;
        note(arena, &list, &count, rh_arena_strdup(arena, rh_pg_value(result, i, 0)),
             rh_arena_strdup(arena, mode));
    }
    rh_pg_result_free(result);
    assert_true(rh_pg_execute(server, "ROLLBACK", &error));
    return described(arena, list, count);
}

static bool is_index(const char *relation)
{
    const char *parameters[] = {relation};
    rh_pg_result *result = rh_pg_query(
        server, "SELECT 1 FROM probe.names WHERE name = $1 AND relkind IN ('i', 'I')", 1, parameters, NULL);
    const bool found = result && rh_pg_rows(result) > 0;
    rh_pg_result_free(result);
    return found;
}

static const char *planned(const char *sql, rh_arena *arena)
{
    fixture *f = fixture_begin();
    held *list = NULL;
    size_t count = 0;
    fixture_file(f, "1.sql", sql);
    f->plan.schema = &definitions;
    f->plan.schema_count = 1;
    assert_true(fixture_plan(f, NULL));
    const rh_statement *s = f->plan.migrations[0].up.statements;
    for (size_t i = 0; i < s->expected_lock_count; i++)
        if (is_about_index(sql) || !is_index(s->expected_locks[i].relation))
            note(arena, &list, &count, rh_arena_strdup(arena, s->expected_locks[i].relation),
                 s->expected_locks[i].mode);
    fixture_end(f);
    return described(arena, list, count);
}

static void test_modes(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        rh_arena *arena = rh_arena_new();
        const char *expected = planned(STATEMENTS[i], arena), *found = measured(STATEMENTS[i], arena);
        if (strcmp(expected, found) != 0) {
            print_error("%s\n  plan     %s\n  pg_locks %s\n", STATEMENTS[i], expected, found);
            wrong++;
        }
        rh_arena_free(arena);
    }
    assert_int_equal(wrong, 0);
}

static const char *dump(rh_arena *arena)
{
    const char *command =
        rh_arena_printf(arena, "%s/pg_dump --schema-only '%s'", cluster->bindir, cluster->conninfo);
    FILE *pipe = popen(command, "r");
    rh_text text = {0};
    char buffer[4096];
    assert_non_null(pipe);
    for (size_t read; (read = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        rh_text_append_bytes(&text, buffer, read);
    assert_int_equal(pclose(pipe), 0);
    char *copy = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    for (char *meta = copy; (meta = strstr(meta, "\n\\")); meta++) /* psql's commands */
        memset(meta + 1, ' ', strcspn(meta + 1, "\n"));
    return copy;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_modes)};
    cluster = test_cluster_start();
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    server = rh_pg_connect(test_cluster_conninfo(cluster), "test", &error);
    if (!server || !rh_pg_execute(server, SCHEMA, &error))
        return 1;
    definitions = dump(arena);
    if (!rh_pg_execute(server, NAMES, &error))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rh_pg_close(server);
    rh_arena_free(arena);
    test_cluster_stop(cluster);
    return failed;
}
