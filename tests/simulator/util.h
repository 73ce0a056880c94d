#ifndef SIM_UTIL_H
#define SIM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Monotonic microseconds. */
typedef uint64_t usec_t;

/* Allocation for the simulator: aborts the process with a message when memory ends. New. */
void *xalloc(size_t bytes);
void *xresize(void *p, size_t bytes);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Growing text. `p` is always terminated once something was added; NULL before. */
struct str {
    char *p;
    size_t n;
    size_t cap;
};

/* Makes room for n more bytes at once. */
void str_reserve(struct str *s, size_t n);
void str_add(struct str *s, const void *data, size_t n);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds `text` as a JSON string with its quotes. Bytes above 0x7f are taken over as they are. */
void str_json(struct str *s, const char *text);
void str_clear(struct str *s);
void str_free(struct str *s);
/* The text (never NULL), new for the caller; `s` is empty afterwards. */
char *str_take(struct str *s);

/* Pieces of memory that die together. */
struct arena {
    struct arena_block *head;
};

char *arena_copy(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

/* Seeded random numbers (splitmix64): same seed, same run. */
struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* In [0, 1). */
double rng_unit(struct rng *r);
/* Writes n hexadecimal digits and a terminator. */
void rng_hex(struct rng *r, char *out, size_t n, bool upper);
/* Writes n characters of A-Za-z0-9-_ and a terminator. */
void rng_token(struct rng *r, char *out, size_t n);
uint64_t hash_text(const char *s);
uint64_t hash_mix(uint64_t x);

/* Percent-decodes in place; `plus` reads + as blank. Returns the new length. */
size_t url_decode(char *s, bool plus);
/* Adds `text` percent-encoded (unreserved characters stay). */
void url_encode(struct str *s, const char *text);

/* Standard alphabet. Returns a new terminated buffer and its length, or NULL for bad input. */
char *base64_decode(const char *s, size_t n, size_t *ret_n);
void base64_encode(struct str *s, const void *data, size_t n);

#define DATE_LEN 20
/* `yyyy-MM-dd HH:mm:ss` of UTC seconds. */
void date_format(int64_t seconds, char out[DATE_LEN]);
/* Reads that form, or a date alone (midnight). Returns 0, or -1 and leaves *ret_seconds. */
int date_parse(const char *text, int64_t *ret_seconds);

/* Whole text as a number. Returns 0, or -1 and leaves the result. */
int parse_int(const char *text, int64_t *ret);
int parse_double(const char *text, double *ret);

usec_t clock_mono(void);
int64_t clock_wall_us(void);

#endif
