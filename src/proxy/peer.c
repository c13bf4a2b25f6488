#include "peer.h"
#include "pgrehearse/base/text.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool rh_peer_find(const char *table, const struct sockaddr_in *client, const struct sockaddr_in *ours,
                  uid_t *uid)
{
    for (const char *line = strchr(table, '\n'); line; line = strchr(line + 1, '\n')) {
        unsigned local, local_port, remote, remote_port, account;
        if (sscanf(line + 1, " %*u: %8X:%4X %8X:%4X %*2X %*8X:%*8X %*2X:%*8X %*8X %u", &local, &local_port,
                   &remote, &remote_port, &account) != 5)
            continue;
        /* addresses stand there as the machine's integers, ports as numbers */
        if (local == client->sin_addr.s_addr && local_port == ntohs(client->sin_port) &&
            remote == ours->sin_addr.s_addr && remote_port == ntohs(ours->sin_port)) {
            *uid = account;
            return true;
        }
    }
    return false;
}

static bool read_table(rh_text *table)
{
    char part[16384];
    size_t got;
    FILE *file = fopen("/proc/net/tcp", "re");
    if (!file)
        return false;
    while ((got = fread(part, 1, sizeof part, file)) > 0)
        rh_text_append_bytes(table, part, got);
    fclose(file);
    return true;
}

bool rh_peer_is_ours(int fd)
{
    struct sockaddr_in client = {0}, ours = {0};
    socklen_t length = sizeof client;
    rh_text table = {0};
    uid_t uid = (uid_t)-1;
    bool known = getpeername(fd, (struct sockaddr *)&client, &length) == 0;
    length = sizeof ours;
    known = known && getsockname(fd, (struct sockaddr *)&ours, &length) == 0 && read_table(&table) &&
            rh_peer_find(rh_text_string(&table), &client, &ours, &uid);
    rh_text_release(&table);
    return known && (uid == 0 || uid == geteuid());
}
