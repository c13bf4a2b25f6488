/* Internal to adapters/: copying a part of a file, never by sharing its blocks. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* LENGTH bytes at OFFSET of IN to the same place in OUT, by read and write. False with errno; EINTR: an
 * interrupt was requested. */
bool rh_blocks_copy(int in, int out, off_t offset, off_t length);
/* Makes OUT, which shared its blocks with IN, equal to it again in place: what was written gets IN's bytes in
 * the blocks that it has now, what was cut off shares IN's blocks. *COPIED grows by the bytes that were
 * written. False, with errno, where the file system does not tell what is shared: OUT is then to be copied
 * anew. */
bool rh_blocks_restore(int in, int out, off_t size, int64_t *copied);
