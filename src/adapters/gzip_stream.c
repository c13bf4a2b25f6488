#include "gzip_stream.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { IN_SIZE = 128 * 1024, OUT_SIZE = 256 * 1024, GZIP_WINDOW = 15 + 16 };

struct rh_gzip {
    int fd;
    z_stream z;
    bool at_member_start, end_of_file;
    int64_t read;
    unsigned char in[IN_SIZE], out[OUT_SIZE];
};

rh_gzip *rh_gzip_new(int fd)
{
    rh_gzip *gzip = rh_alloc(sizeof *gzip);
    memset(&gzip->z, 0, sizeof gzip->z);
    gzip->fd = fd;
    gzip->at_member_start = true;
    gzip->end_of_file = false;
    gzip->read = 0;
    if (inflateInit2(&gzip->z, GZIP_WINDOW) != Z_OK) {
        free(gzip);
        return NULL;
    }
    return gzip;
}

void rh_gzip_free(rh_gzip *gzip)
{
    if (!gzip)
        return;
    inflateEnd(&gzip->z);
    free(gzip);
}

int64_t rh_gzip_position(const rh_gzip *gzip)
{
    return gzip->read - gzip->z.avail_in;
}

/* Adds input behind what is left of it. False on a read error. */
static bool fill(rh_gzip *gzip, const char **why)
{
    if (gzip->z.avail_in > 0)
        memmove(gzip->in, gzip->z.next_in, gzip->z.avail_in);
    gzip->z.next_in = gzip->in;
    ssize_t n;
    do {
        n = read(gzip->fd, gzip->in + gzip->z.avail_in, IN_SIZE - gzip->z.avail_in);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        *why = strerror(errno);
        return false;
    }
    gzip->end_of_file = n == 0;
    gzip->read += n;
    gzip->z.avail_in += (unsigned)n;
    return true;
}

/* Between two members: 1 another follows, 0 the end, -1 garbage. */
static int next_member(rh_gzip *gzip, const char **why)
{
    for (;;) {
        while (gzip->z.avail_in > 0 && *gzip->z.next_in == 0) {
            gzip->z.next_in++;
            gzip->z.avail_in--;
        }
        if (gzip->z.avail_in >= 2 || (gzip->z.avail_in == 1 && gzip->end_of_file))
            break;
        if (gzip->end_of_file)
            return 0;
        if (!fill(gzip, why))
            return -1;
    }
    if (gzip->z.avail_in < 2 || gzip->z.next_in[0] != 0x1f || gzip->z.next_in[1] != 0x8b) {
        *why = "the compressed data is followed by bytes that are not gzip";
        return -1;
    }
    inflateReset2(&gzip->z, GZIP_WINDOW);
    return 1;
}

ssize_t rh_gzip_read(rh_gzip *gzip, const void **bytes, const char **why)
{
    for (;;) {
        if (gzip->z.avail_in == 0 && !gzip->end_of_file && !fill(gzip, why))
            return -1;
        if (gzip->at_member_start) {
            int more = next_member(gzip, why);
            if (more <= 0)
                return more;
            gzip->at_member_start = false;
        }
        gzip->z.next_out = gzip->out;
        gzip->z.avail_out = OUT_SIZE;
        int status = inflate(&gzip->z, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            gzip->at_member_start = true;
        } else if (status == Z_BUF_ERROR && gzip->end_of_file) {
            *why = "it ends in the middle of the gzip data: the file is truncated";
            return -1;
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            *why = gzip->z.msg ? gzip->z.msg : "damaged gzip data";
            return -1;
        }
        size_t produced = OUT_SIZE - gzip->z.avail_out;
        if (produced > 0) {
            *bytes = gzip->out;
            return (ssize_t)produced;
        }
    }
}
