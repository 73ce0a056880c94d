/* Lines as librdkafka 2.0.2 wrote them, with the answers of different clusters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/attr.h"
#include "producers/txn_log.h"

static void test_lines(void **state)
{
    static const struct {
        const char *text;
        bool refuses;
    } lines[] = {
        {"[thrd:main]: Failed to find transaction coordinator: INVALID_REQUEST: FindCoordinator "
         "asked for coordinator with type code 1 which is not supported",
         true},
        {"Failed to find transaction coordinator: INVALID_REQUEST", true},
        {"Failed to find transaction coordinator: UNKNOWN: type code 1 is Not Supported", true},
        {"Failed to find transaction coordinator: UNKNOWN: try again", false},
        {"Failed to find transaction coordinator: COORDINATOR_NOT_AVAILABLE: loading", false},
        {"Failed to find transaction coordinator: 127.0.0.1:9092: Local: Timed out", false},
        {"Failed to find transaction coordinator: INVALID_REQUEST_OF_ANOTHER_KIND", false},
        {"Transaction coordinator changed from (none) -> 1: not supported by this text", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct err why = {0};

        assert_int_equal(txn_log_refuses(lines[i].text, &why), lines[i].refuses);
        assert_int_equal(why.class, lines[i].refuses ? ERR_CONFIG : ERR_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
