#include "file_type.h"
#include "statement.h"
#include <ctype.h>
#include <string.h>

static const char use_pg_dump[] = "make a backup with pg_dump (any format), or name the file that holds one";
static const char convert[] =
    "this version restores PostgreSQL dumps only; load it with pgloader and dump the result with pg_dump";
static const char decrypt[] = "decrypt it first";
static const char encoding[] =
    "write it with pg_dump --file=NAME (a redirection in PowerShell changes the bytes)";

/* Files that begin with fixed bytes. */
static const struct magic {
    const char *bytes;
    size_t length, offset;
    const char *name, *hint;
} magics[] = {
    {"\x89PNG", 4, 0, "a PNG image", use_pg_dump},
    {"\xff\xd8\xff", 3, 0, "a JPEG image", use_pg_dump},
    {"GIF8", 4, 0, "a GIF image", use_pg_dump},
    {"%PDF-", 5, 0, "a PDF document", use_pg_dump},
    {"\x7f"
     "ELF",
     4, 0, "an ELF program", use_pg_dump},
    {"MZ", 2, 0, "a Windows program", use_pg_dump},
    {"SQLite format 3", 15, 0, "a SQLite database", convert},
    {"7z\xbc\xaf\x27\x1c", 6, 0, "a 7z archive", "unpack it, and name the dump inside"},
    {"Rar!", 4, 0, "a RAR archive", "unpack it, and name the dump inside"},
    {"PGDMP", 5, 0, "a pg_dump archive",
     "decompress or unpack it first, then name the file that begins with PGDMP"},
    {"-----BEGIN PGP", 14, 0, "a message encrypted with PGP", decrypt},
    {"\x85\x01", 2, 0, "a file encrypted with PGP", decrypt},
    {"\x85\x02", 2, 0, "a file encrypted with PGP", decrypt},
    {"\x8c\x0d\x04", 3, 0, "a file encrypted with PGP", decrypt},
    {"age-encryption.org", 18, 0, "a file encrypted with age", decrypt},
    {"Salted__", 8, 0, "a file encrypted with openssl", decrypt},
    {"version https://git-lfs", 23, 0, "a Git LFS pointer, not the file itself",
     "fetch the file with: git lfs pull"},
    {"\xff\xfe", 2, 0, "text in UTF-16", encoding},
    {"\xfe\xff", 2, 0, "text in UTF-16", encoding},
    {"TAPE", 4, 0, "a SQL Server backup", convert},
    {"\x1f\x8b", 2, 0, "gzip data inside of other compression", "decompress it once, and name the result"},
    {"\x28\xb5\x2f\xfd", 4, 0, "zstd data inside of other compression",
     "decompress it once, and name the result"},
    {"ustar", 5, 257, "a tar archive", "unpack it, and name the dump inside"},
    {"PK\x03\x04", 4, 0, "a zip archive", "unpack it, and name the dump inside"},
};

/* Text that begins with fixed words, after blanks. */
static const struct magic texts[] = {
    {"-- MySQL dump", 13, 0, "a MySQL dump", convert},
    {"-- MariaDB dump", 15, 0, "a MariaDB dump", convert},
    {"/*!999999\\-", 11, 0, "a MariaDB dump", convert},
    {"/*M!999999\\-", 12, 0, "a MariaDB dump", convert},
    {"-- phpMyAdmin SQL Dump", 22, 0, "a MySQL dump (phpMyAdmin)", convert},
    {"/*!40", 5, 0, "a MySQL dump", convert},
    {"PRAGMA foreign_keys", 19, 0, "a SQLite dump", convert},
    {"/****** Object:", 15, 0, "a SQL Server script", convert},
    {"USE [", 5, 0, "a SQL Server script", convert},
    {"SET ANSI_NULLS", 14, 0, "a SQL Server script", convert},
    {"<!DOCTYPE", 9, 0, "an HTML page", "was a login page downloaded in place of the dump?"},
    {"<html", 5, 0, "an HTML page", "was a login page downloaded in place of the dump?"},
    {"<?xml", 5, 0, "an XML document", use_pg_dump},
    {"{", 1, 0, "a JSON document", use_pg_dump},
};

static const struct magic *find(const struct magic *table, size_t count, const char *head, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (length >= table[i].offset + table[i].length &&
            memcmp(head + table[i].offset, table[i].bytes, table[i].length) == 0)
            return &table[i];
    return NULL;
}

static const struct magic *find_any(const char *head, size_t length)
{
    const struct magic *found = find(magics, sizeof magics / sizeof *magics, head, length);
    while (!found && length > 0 && isspace((unsigned char)*head))
        head++, length--;
    return found ? found : find(texts, sizeof texts / sizeof *texts, head, length);
}

static bool is_text(const char *head, size_t length)
{
    size_t control = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)head[i];
        if (c == 0)
            return false;
        control += c < 32 && !isspace(c);
    }
    return control * 100 <= length;
}

/* Text in which the lines' first words are another system's. */
static const char *other_system(const char *head, size_t length)
{
    if (memmem(head, length, "ENGINE=InnoDB", 13) || memmem(head, length, "ENGINE=MyISAM", 13) ||
        memmem(head, length, "\n-- MySQL dump", 14))
        return "a MySQL dump";
    if (memmem(head, length, "\nGO\n", 4) || memmem(head, length, "\nGO\r\n", 5))
        return "a SQL Server script";
    return NULL;
}

/* Is it a statement and not a sentence that begins with the same word? By the words behind FIRST. */
static bool is_statement(const rh_dump_word *first, rh_dump_words words)
{
    static const char *const seconds[][2] = {{"insert", "into"},
                                             {"delete", "from"},
                                             {"start", "transaction"},
                                             {"comment", "on"},
                                             {"refresh", "materialized"}};
    rh_dump_word second, third;
    rh_dump_words_next(&words, &second);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        if (rh_dump_word_is(first, seconds[i][0]))
            return rh_dump_word_is(&second, seconds[i][1]);
    if (rh_dump_word_is(first, "values"))
        return rh_dump_word_is(&second, "(");
    if (rh_dump_word_is(first, "do"))
        return second.kind == RH_WORD_STRING || rh_dump_word_is(&second, "language");
    if (rh_dump_word_is(first, "with") || rh_dump_word_is(first, "update")) {
        bool with = rh_dump_word_is(first, "with");
        for (int i = 0; i < 6 && rh_dump_words_next(&words, &third); i++)
            if (rh_dump_word_is(&third, with ? "as" : "set"))
                return true;
        return false;
    }
    if (rh_dump_word_is(first, "set") &&
        (rh_dump_word_is(&second, "session") || rh_dump_word_is(&second, "local")))
        rh_dump_words_next(&words, &second);
    rh_dump_words_next(&words, &third);
    if (rh_dump_word_is(first, "set"))
        return rh_dump_word_is(&third, "=") || rh_dump_word_is(&third, "to") ||
               rh_dump_word_is(&third, ".") || rh_dump_word_is(&second, "role") ||
               rh_dump_word_is(&second, "time") || rh_dump_word_is(&second, "authorization");
    return second.kind != RH_WORD_END;
}

bool rh_is_sql_dump(const char *head, size_t length)
{
    static const char *const firsts[] = {"set",    "create", "insert",   "select",  "begin",  "start",
                                         "alter",  "drop",   "copy",     "comment", "grant",  "revoke",
                                         "do",     "with",   "truncate", "update",  "delete", "lock",
                                         "values", "reset",  "refresh",  "analyze"};
    if (length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
        head += 3, length -= 3;
    if (find_any(head, length) || !is_text(head, length) || other_system(head, length))
        return false;
    rh_dump_words words = {head, head + length};
    rh_dump_word word;
    if (!rh_dump_words_next(&words, &word))
        return memmem(head, length, "-- PostgreSQL database", 22) != NULL; /* comments only, so far */
    if (rh_dump_word_is(&word, "\\"))
        return rh_dump_words_skip(&words, "restrict") || rh_dump_words_skip(&words, "connect") ||
               rh_dump_words_skip(&words, "c");
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        if (rh_dump_word_is(&word, firsts[i]))
            return is_statement(&word, words) && (length == RH_HEAD_SIZE || memchr(head, ';', length));
    return false;
}

const char *rh_describe_file_type(const char *head, size_t length, const char **hint)
{
    const struct magic *found = find_any(head, length);
    const char *other = other_system(head, length);
    *hint = found ? found->hint : other ? convert : use_pg_dump;
    if (found)
        return found->name;
    if (other)
        return other;
    if (length == 0)
        return "an empty file";
    if (is_text(head, length))
        return "text, but no SQL that PostgreSQL would read";
    *hint = use_pg_dump;
    return "binary data of an unknown kind";
}
