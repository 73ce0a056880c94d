/* The bound of the bulk targets: the processor time that jansson alone takes to parse a message so
 * many times. Prints one line: messages, seconds. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    double begin;

    if (f == NULL || (length = getdelim(&text, &room, '\0', f)) < 0) {
        (void)fprintf(stderr, "usage: parse MESSAGE-FILE TIMES\n");
        return 2;
    }
    (void)fclose(f);
    begin = seconds();
    for (long i = 0; i < count; i++) {
        json_t *json = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);

        if (json == NULL)
            return 1;
        json_decref(json);
    }
    printf("%ld messages %.4f seconds\n", count, seconds() - begin);
    free(text);
    return 0;
}
