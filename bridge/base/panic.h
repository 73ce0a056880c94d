/* panic: an invariant of this program is broken (a bug). Never for input, network, configuration.
 */
#ifndef BRIDGE_BASE_PANIC_H
#define BRIDGE_BASE_PANIC_H

#include "bridge/base/attr.h"

/* Prints "panic: FILE:LINE: text" to standard error and aborts. Any thread. */
NO_RETURN PRINTF_LIKE(3, 4) void panic_at(const char *file, int line, const char *format, ...);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define invariant(cond_)                                                                           \
    do {                                                                                           \
        if (!(cond_))                                                                              \
            panic("broken invariant: %s", #cond_);                                                 \
    } while (0)

#endif
