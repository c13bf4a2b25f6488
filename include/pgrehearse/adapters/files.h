/* Files and directories: read, write safely, digest, copy by reflink, remove. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/progress.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* What is read into memory as a whole is no larger. */
#define RH_FILE_MOST (INT64_C(256) * 1024 * 1024)

/* The whole file, 0-terminated, in ARENA; LENGTH may be NULL. Larger ones than LIMIT (0: RH_FILE_MOST) are
 * refused. */
char *rh_file_read(const char *path, int64_t limit, rh_arena *arena, size_t *length, rh_error *error);
/* Opens a regular file for reading, without ever waiting for a writer. RH_ERROR_IO for what is none (a
 * directory, a named pipe, a socket, a device) and, unless FOLLOW, for a symbolic link. The descriptor, or
 * -1. */
int rh_file_open(const char *path, bool follow, rh_error *error);
/* The same as a stream, links followed; the caller closes it. */
FILE *rh_file_stream(const char *path, rh_error *error);
/* "a named pipe", "a socket", "a device", "a directory", "a symbolic link"; NULL: a regular file. */
const char *rh_file_kind(mode_t mode);
/* All LENGTH bytes, however often it takes; false with errno set. */
bool rh_write_all(int fd, const char *bytes, size_t length);
/* Writes to a temporary name beside it, fsyncs, renames: never a half-written PATH. */
bool rh_file_write(const char *path, const char *text, size_t length, rh_error *error);
/* Appends and fsyncs before it returns. */
bool rh_file_append(const char *path, const char *text, size_t length, rh_error *error);
bool rh_file_exists(const char *path);
bool rh_directory_exists(const char *path);
/* Creates it with its parents. */
bool rh_directory_make(const char *path, mode_t mode, rh_error *error);
/* Entries sorted by strcmp, without . and ..; in ARENA. */
bool rh_directory_list(const char *path, rh_arena *arena, char ***names, size_t *count, rh_error *error);
/* Removes a tree without following links; a missing PATH is fine. */
bool rh_tree_remove(const char *path, rh_error *error);
bool rh_tree_chown(const char *path, uid_t uid, gid_t gid, rh_error *error);
/* Bytes of all regular files. */
bool rh_tree_bytes(const char *path, int64_t *bytes, rh_error *error);
/* Free bytes for an unprivileged user where PATH lies; -1 when unknown. */
int64_t rh_disk_free(const char *path);

/* SHA-256 of a file, or of a directory (of its sorted "sha256  relative/path\n" lines), as 64 hex digits.
 * BYTES may be NULL. */
bool rh_sha256_path(const char *path, char digest[65], int64_t *bytes, const rh_progress *progress,
                    const char *stage, rh_error *error);
/* A regular file read once, from its start to its end, with its SHA-256 on the way. FOLLOW as in
 * rh_file_open. */
typedef struct rh_hashed_file rh_hashed_file;
rh_hashed_file *rh_hashed_file_open(const char *path, bool follow, rh_error *error);
/* Takes NULL. */
void rh_hashed_file_close(rh_hashed_file *file);
void rh_hashed_file_progress(rh_hashed_file *file, const rh_progress *progress, const char *stage);
/* FILE an rh_hashed_file. Like fread: a short count is the end, an error or an interrupt. */
size_t rh_hashed_file_read(void *file, void *buffer, size_t size);
bool rh_hashed_file_skip(rh_hashed_file *file, int64_t count);
int64_t rh_hashed_file_position(const rh_hashed_file *file);
/* Reads what is left; DIGEST as 64 hex digits. False on a read error of any earlier call, too, or an
 * interrupt. */
bool rh_hashed_file_end(rh_hashed_file *file, char digest[65], rh_error *error);
void rh_sha256_bytes(const void *bytes, size_t length, char digest[65]);
/* MD5 as 32 hex digits; "" where the crypto library has none (FIPS). For comparing with what others wrote. */
void rh_md5_bytes(const void *bytes, size_t length, char digest[33]);
/* SHA-384 likewise, as 96 hex digits. */
void rh_sha384_bytes(const void *bytes, size_t length, char digest[97]);
/* SHA-1 likewise, as 40 hex digits. */
void rh_sha1_bytes(const void *bytes, size_t length, char digest[41]);

/* The digest of a file by the ALGORITHM that the crypto library names so ("SHA224" …), in lower-case
 * hexadecimal.
 */
bool rh_file_digest(const char *path, const char *algorithm, char digest[129], rh_error *error);

/* How a tree was copied. */
typedef enum rh_copy_method { RH_COPY_REFLINK, RH_COPY_RANGE } rh_copy_method;
/* Copies a tree (regular files, directories, symbolic links as links), keeping modes, modification times and,
 * as root, owners: by reflink where the file system has it, else copy_file_range. TO must not exist. */
bool rh_tree_copy(const char *from, const char *to, rh_copy_method *method, rh_error *error);
/* What the files of a tree are at one moment: the times, size and place of each. */
typedef struct rh_tree_state rh_tree_state;
rh_tree_state *rh_tree_state_read(const char *path, rh_error *error);
/* Takes NULL. */
void rh_tree_state_free(rh_tree_state *state);

/* The first file of the tree that is not as it was, by kind, mode, owner, size and modification time (of
 * files), as a sentence in ARENA: "base/5/1259 has another size"; NULL: none. */
const char *rh_tree_state_difference(const rh_tree_state *then, const rh_tree_state *now, rh_arena *arena);

typedef struct rh_tree_restore_options {
    const rh_tree_state *state; /* of TO, when it last equalled FROM; NULL: nothing is known of it */
    bool shared;                /* TO was copied by reflink: the blocks that were written are copied back in
                                   place, and stay TO's own; the rest stays shared */
} rh_tree_restore_options;
/* Makes TO equal to FROM again: copies each file whose size, modification time, inode or change time is not
 * that of the state, which no program can hide, and removes what FROM lacks. *COPIED_BYTES (may be NULL):
 * how many bytes were copied or shared again. */
bool rh_tree_restore(const char *from, const char *to, const rh_tree_restore_options *options,
                     int64_t *copied_bytes, rh_error *error);
/* Gives the files of a tree blocks of their own where they share them; contents and times stay. *BYTES: how
 * many were copied. */
bool rh_tree_unshare(const char *path, int64_t *bytes, rh_error *error);
/* Whether a write to a block that is not shared goes to its old place in DIRECTORY. False where it never does
 * (btrfs, ZFS), and where the file system does not tell. */
bool rh_overwrites_in_place(const char *directory);
/* An exclusive lock on PATH (created if missing) that lives until the returned descriptor is closed, also by
 * death; -1 when another process holds it (no error set) or on failure (error set). Not inherited by
 * children. */
int rh_file_lock(const char *path, rh_error *error);
/* PATH relative to the directory that holds FILE, unless absolute; in ARENA. */
char *rh_path_beside(const char *file, const char *path, rh_arena *arena);
