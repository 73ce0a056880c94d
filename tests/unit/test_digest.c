/* SHA-256: the examples of FIPS 180-4, and pieces against the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/attr.h"
#include "bridge/base/digest.h"

static void known_answers(void **state)
{
    static const struct {
        const char *text, *hex;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        char hex[DIGEST_HEX_SIZE];

        digest_hex(known[i].text, strlen(known[i].text), hex);
        assert_string_equal(hex, known[i].hex);
    }
    assert_true(digest_u64("abc", 3) == UINT64_C(0xba7816bf8f01cfea));
}

static void pieces(void **state)
{
    char thousand[1000], hex[DIGEST_HEX_SIZE];
    struct digest *d = digest_new();

    (void)state;
    memset(thousand, 'a', sizeof thousand);
    for (int i = 0; i < 1000; i++) {
        digest_add(d, thousand, (size_t)i);
        digest_add(d, thousand, sizeof thousand - (size_t)i);
    }
    digest_finish(d, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(pieces),
    };

    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
