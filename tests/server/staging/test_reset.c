/* A reset brings back every byte that a migration can have changed, whatever the file system is (see
 * reset_reflink.sh). */
#include "fixture.h"
#include <fts.h>

/* Written when the server starts, or its own: the rest of the data directory is compared. */
static bool is_of_the_server(const char *path)
{
    static const char *const ours[] = {
        "postmaster.", "pgrehearse.pid", "pg_wal/",    "global/pg_control", "global/pg_internal.init",
        "pg_stat",     "pg_subtrans/",   "pg_notify/", "pg_logical/",       "pg_internal.init"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strncmp(path, ours[i], strlen(ours[i])) == 0)
            return true;
    return strstr(path, "/pg_internal.init") != NULL;
}

/* "path digest" of each file of the cluster's directory NAME that counts; *FILES: how many. */
static const char *digests(fixture *f, const char *name, int *files)
{
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    char *root = rh_arena_printf(f->arena, "%s/%s", facts.location, name), *const paths[] = {root, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    rh_text text = {0};
    char **lines = NULL;
    size_t count = 0;
    assert_non_null(tree);
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        char digest[65];
        const char *path = entry->fts_path + strlen(root) + (entry->fts_level > 0);
        if (entry->fts_info != FTS_F || is_of_the_server(path))
            continue;
        assert_ok(f, rh_sha256_path(entry->fts_path, digest, NULL, NULL, "", &f->error));
        *rh_arena_add(f->arena, &lines, &count) = rh_arena_printf(f->arena, "%s %s\n", path, digest);
    }
    fts_close(tree);
    *files = (int)count;
    for (size_t pass = 0; pass < count; pass++) /* few: sorted by hand */
        for (size_t i = 1; i < count; i++)
            if (strcmp(lines[i - 1], lines[i]) > 0) {
                char *line = lines[i];
                lines[i] = lines[i - 1];
                lines[i - 1] = line;
            }
    for (size_t i = 0; i < count; i++)
        rh_text_append(&text, lines[i]);
    const char *all = rh_arena_strdup(f->arena, rh_text_string(&text));
    rh_text_release(&text);
    return all;
}

/* Names the first file that differs. */
static void assert_same(const char *is, const char *was)
{
    const char *line = is;
    for (size_t i = 0; is[i] && is[i] == was[i]; i++)
        if (is[i] == '\n')
            line = is + i + 1;
    if (strcmp(is, was) != 0)
        fail_msg("differs: %.*s", (int)strcspn(line, "\n"), line);
}

static void change_everything(fixture *f, int round)
{
    fixture_sql(f, "UPDATE t SET x = 'changed' WHERE i % 7 = 0; TRUNCATE emptied; DROP TABLE dropped;"
                   "CREATE TABLE created AS SELECT * FROM t; ALTER TABLE rewritten ALTER i TYPE bigint;"
                   "DELETE FROM t WHERE i > 19000; CREATE INDEX ON t (x)");
    fixture_sql(f, "CHECKPOINT"); /* now the files have it */
    if (round > 0) {
        fixture_sql(f, "VACUUM FULL t");
        fixture_sql(f, "CHECKPOINT");
    }
}

static void test_every_byte(void **state)
{
    fixture *f = *state;
    int original = 0, files = 0;
    assert_ok(f, fixture_start(f));
    for (const char *const *table = (const char *const[]){"t", "emptied", "dropped", "rewritten", NULL};
         *table; table++)
        fixture_sql(f, rh_arena_printf(f->arena,
                                       "CREATE TABLE %s AS SELECT i, md5(i::text) AS x FROM "
                                       "generate_series(1, 20000) i",
                                       *table));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    const char *kept = digests(f, "snapshot", &original);
    assert_true(original > 900);
    for (int round = 0; round < 3; round++) {
        assert_same(digests(f, "data", &files), kept);
        change_everything(f, round);
        assert_string_not_equal(digests(f, "data", &files), kept);
        assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    }
    assert_same(digests(f, "data", &files), kept);
    assert_same(digests(f, "snapshot", &files), kept);
}

/* What a reset copies follows what was written, not the size of the database. */
static void test_costs_what_was_written(void **state)
{
    fixture *f = *state;
    rh_staging_facts facts;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE TABLE large AS SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 60000) i;"
                   "CREATE TABLE small AS SELECT 1 AS i");
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    fixture_sql(f, "UPDATE small SET i = 2");
    fixture_sql(f, "CHECKPOINT");
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_true(facts.snapshot_bytes > 60 << 20);
    assert_in_range(facts.reset_bytes, 1, 40 << 20); /* a segment or two of WAL, and catalogs */
    if (!facts.reset_method || strcmp(facts.reset_method, "reflink") != 0)
        return;
    fixture_sql(f, "UPDATE large SET x = 'y' WHERE i = 7");
    fixture_sql(f, "CHECKPOINT");
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_in_range(facts.reset_bytes, 1, 40 << 20); /* of the large file, its blocks alone */
}

int main(void)
{
    rh_interrupt_install();
    const struct CMUnitTest tests[] = {TEST(test_every_byte), TEST(test_costs_what_was_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
