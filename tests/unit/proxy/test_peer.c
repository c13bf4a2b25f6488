/* Whose connection: the kernel's table read, and real sockets. */
#include "proxy/peer.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct sockaddr_in address(const char *host, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static void test_table(void **state)
{
    (void)state;
    static const char table[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 1 1 0\n"
        "   1: 0100007F:D431 0100007F:1538 01 00000000:00000000 02:000A7214 00000000  1000        0 2 2 0\n"
        "garbage\n";
    struct sockaddr_in client = address("127.0.0.1", 0xD431), ours = address("127.0.0.1", 0x1538);
    uid_t uid = 0;
    assert_true(rh_peer_find(table, &client, &ours, &uid));
    assert_int_equal(uid, 1000);
    client = address("127.0.0.1", 0xD432);
    assert_false(rh_peer_find(table, &client, &ours, &uid));
    assert_false(rh_peer_find("", &client, &ours, &uid));
}

static void test_real(void **state)
{
    (void)state;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = address("127.0.0.1", 0);
    socklen_t length = sizeof at;
    assert_return_code(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_return_code(listen(listener, 1), 0);
    assert_return_code(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    assert_return_code(connect(client, (struct sockaddr *)&at, sizeof at), 0);
    int accepted = accept(listener, NULL, NULL);
    assert_true(rh_peer_is_ours(accepted));
    if (geteuid() ==
        0) { /* somebody else's socket: a file's owner can be given away, and so can a socket's */
        assert_return_code(fchown(client, 65534, 65534), 0);
        assert_false(rh_peer_is_ours(accepted));
    }
    close(client);
    close(accepted);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_real)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
