/* Compiler attributes used all over: MUST_CHECK on everything that can fail, PRINTF_LIKE on
 * everything that formats. */
#ifndef BRIDGE_BASE_ATTR_H
#define BRIDGE_BASE_ATTR_H

#define MUST_CHECK          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f_, a_) __attribute__((format(printf, f_, a_)))
#define NO_RETURN           __attribute__((noreturn))
#define ARRAY_LEN(a_)       (sizeof(a_) / sizeof((a_)[0]))

/* The object that holds member `m_` at address `p_`. */
#define CONTAINER_OF(p_, t_, m_) ((t_ *)(void *)((char *)(p_)-offsetof(t_, m_)))

#endif
