/* Draws frames. Everything in a frame is computed anew from the board; nothing is remembered but
 * whether the terminal is ours. */
#include "tests/demo/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define LEAST_ROWS    18
#define LEAST_COLUMNS 76
#define MOST_COLUMNS  118
#define WIDE          96
#define FIXED_ROWS    10 /* all but the two lists */
#define RATE_SLOTS    8  /* two seconds */

static volatile bool is_open;

static void write_all(const char *text, size_t n)
{
    while (n > 0) {
        ssize_t k = write(STDOUT_FILENO, text, n);

        if (k <= 0)
            return;
        text += k;
        n -= (size_t)k;
    }
}

static void size_of(size_t *ret_rows, size_t *ret_columns)
{
    struct winsize w = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) {
        w.ws_row = 24;
        w.ws_col = 80;
    }
    *ret_rows = w.ws_row;
    *ret_columns = w.ws_col < MOST_COLUMNS ? w.ws_col : MOST_COLUMNS;
}

bool screen_is_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

bool screen_is_large(void)
{
    size_t rows, columns;

    size_of(&rows, &columns);
    return rows >= LEAST_ROWS && columns >= LEAST_COLUMNS;
}

void screen_open(void)
{
    /* second screen, no cursor, no wrapping */
    static const char take[] = "\033[?1049h\033[?25l\033[?7l\033[2J";

    write_all(take, sizeof take - 1);
    is_open = true;
}

void screen_close(void)
{
    static const char give[] = "\033[?7h\033[?25h\033[?1049l";

    if (!is_open)
        return;
    is_open = false;
    write_all(give, sizeof give - 1);
}

static void line_end(struct pen *p)
{
    pen_put(p, INK_PLAIN, "\033[K\r\n");
}

static void addresses(struct pen *p, const struct scene *s, size_t width)
{
    if (s->cluster == NULL)
        return;
    pen_put(p, INK_DIM, cluster_is_mock(s->cluster) ? "  Kafka mock " : "  Kafka ");
    pen_put(p, INK_PLAIN, cluster_bootstrap(s->cluster));
    if (width >= WIDE)
        pen_putf(p, INK_DIM, " (librdkafka %s)", rd_kafka_version_str());
    if (s->simulator_url == NULL)
        return;
    pen_putf(p, INK_DIM, "  %s  ServiceNow simulator ", pen_glyph(p, GLYPH_DOT));
    pen_put(p, INK_PLAIN, s->simulator_url + strlen("http://"));
}

void screen_header(struct pen *p, const struct view *v, usec_t now, size_t width)
{
    char *right = xasprintf("%.1f s", (double)(now - v->start) / (double)USEC_S);

    pen_put(p, INK_BOLD, "  itsm-bridge " ITSM_VERSION);
    pen_cell(p, INK_DIM, width > 50 ? width - 32 : 18,
             "   alerts become incidents, changes come back");
    pen_right(p, INK_BOLD, 12, right);
    free(right);
}

static void progress(struct pen *p, const struct view *v, usec_t now, size_t width)
{
    size_t room = width - 4, full = 0;

    if (v->board != NULL && v->length > 0) {
        usec_t gone = usec_min(now - v->board->begin, v->length);

        full = room * (size_t)gone / (size_t)v->length;
    }
    pen_put(p, INK_PLAIN, "  ");
    pen_times(p, INK_GREEN, pen_glyph(p, GLYPH_FULL), full);
    pen_times(p, INK_DIM, pen_glyph(p, GLYPH_EMPTY), room - full);
}

/* Events a second over the last two, and a small picture of the last ones. */
static void rate(struct pen *p, const struct board *b, const unsigned *slots, size_t steps,
                 usec_t now)
{
    long last = (long)((now - b->begin) / BOARD_SLOT);
    unsigned sum = 0, most = 1;

    for (long i = last - RATE_SLOTS; i < last; i++)
        sum += i >= 0 && i < BOARD_SLOTS ? slots[i] : 0;
    for (long i = last - (long)steps; i < last; i++)
        if (i >= 0 && i < BOARD_SLOTS && slots[i] > most)
            most = slots[i];
    pen_putf(p, INK_BOLD, "%5.1f/s ", (double)sum * 1e6 / (double)(RATE_SLOTS * BOARD_SLOT));
    for (long i = last - (long)steps; i < last; i++) {
        unsigned n = i >= 0 && i < BOARD_SLOTS ? slots[i] : 0;

        pen_put(p, n != 0 ? INK_CYAN : INK_DIM, pen_step(p, n != 0 ? 1 + n * 6 / most : 0));
    }
}

static void count(struct pen *p, const char *what, size_t n, enum ink ink)
{
    pen_putf(p, INK_DIM, "  %s ", what);
    pen_putf(p, ink, "%zu", n);
}

static void ticket_numbers(struct pen *p, const struct board *b, size_t width)
{
    size_t waiting = b->fires - b->opened;

    count(p, "alerts", b->fires, INK_BOLD);
    count(p, "incidents", b->opened, INK_BOLD);
    count(p, "waiting", waiting, waiting != 0 ? INK_YELLOW : INK_PLAIN);
    count(p, "resolved", b->resolved, INK_GREEN);
    pen_putf(p, INK_DIM, " of %zu", b->clears);
    count(p, width >= WIDE ? "messages sent twice" : "repeats", b->repeats, INK_PLAIN);
    count(p, width >= WIDE ? "dead letters" : "dead", b->dead_letters,
          b->dead_letters != 0 ? INK_RED : INK_PLAIN);
}

static void change_numbers(struct pen *p, const struct board *b)
{
    size_t behind = board_rows_behind(b);

    count(p, "changes", b->written, INK_BOLD);
    count(p, "records", b->published, INK_BOLD);
    count(p, "on their way", behind, behind != 0 ? INK_YELLOW : INK_PLAIN);
    count(p, "twice", b->republished, b->republished != 0 ? INK_RED : INK_PLAIN);
    pen_putf(p, INK_DIM, "  median ");
    pen_putf(p, INK_PLAIN, "%lld ms", (long long)times_part(&b->change_times, 0.5));
}

/* The samples' names all begin alike. */
static const char *short_name(const char *name)
{
    return text_starts(name, "test-") ? name + strlen("test-") : name;
}

static void ticket_path(struct pen *p, const struct ticket *t)
{
    const char *arrow = pen_glyph(p, GLYPH_ARROW);

    if (t->state == TICKET_DEAD) {
        pen_putf(p, INK_RED, "%s %s dead letter", arrow, pen_glyph(p, GLYPH_BAD));
        return;
    }
    if (t->number == NULL) {
        pen_putf(p, INK_DIM, "%s %s sent", arrow, pen_glyph(p, GLYPH_WAITS));
        return;
    }
    pen_putf(p, INK_DIM, "%s ", arrow);
    pen_cell(p, INK_BOLD, 11, t->number);
    pen_putf(p, t->state == TICKET_RESOLVED ? INK_DIM : INK_YELLOW, "%s New",
             pen_glyph(p, GLYPH_OPEN));
    pen_putf(p, INK_DIM, " %5lld ms", (long long)((t->opened - t->sent) / USEC_MS));
    if (t->state == TICKET_RESOLVED)
        pen_putf(p, INK_GREEN, "  %s %s Resolved", arrow, pen_glyph(p, GLYPH_GOOD));
    else if (t->clear_sent)
        pen_putf(p, INK_DIM, "  %s %s clearing", arrow, pen_glyph(p, GLYPH_WAITS));
}

static void ticket_line(struct pen *p, const struct ticket *t, size_t width)
{
    pen_put(p, INK_PLAIN, "  ");
    pen_cell(p, INK_DIM, 6, t->of->mark + strlen("demo-"));
    pen_cell(p, ink_severity(t->of->severity), 4, severity_name(t->of->severity));
    pen_put(p, INK_PLAIN, "  ");
    pen_cell(p, INK_PLAIN, width - 58, short_name(t->of->rule));
    pen_put(p, INK_PLAIN, " ");
    ticket_path(p, t);
    line_end(p);
}

static int by_touch(const void *a, const void *b)
{
    const struct ticket *const *x = a, *const *y = b;

    if ((*x)->touched != (*y)->touched)
        return (*x)->touched < (*y)->touched ? 1 : -1;
    return (*x)->of < (*y)->of ? 1 : -1;
}

static void tickets(struct pen *p, const struct board *b, size_t rows, size_t width)
{
    size_t n = b->feed->alerts_count, shown = 0;
    const struct ticket **list = xcalloc(n, sizeof(struct ticket *));

    for (size_t i = 0; i < n; i++)
        list[i] = &b->tickets[i];
    qsort(list, n, sizeof(struct ticket *), by_touch);
    for (; shown < rows && shown < n && list[shown]->state != TICKET_PLANNED; shown++)
        ticket_line(p, list[shown], width);
    for (; shown < rows; shown++)
        line_end(p);
    free(list);
}

static enum ink state_ink(const char *state)
{
    if (strcmp(state, "Resolved") == 0 || strcmp(state, "Closed") == 0)
        return INK_GREEN;
    return strcmp(state, "New") == 0 ? INK_YELLOW : INK_PLAIN;
}

static void change_line(struct pen *p, const struct change *c, size_t width)
{
    char *version = xasprintf("v%s", c->mod_count);
    const char *topic = strstr(c->topic, "servicenow."); /* on a broker a prefix stands before */
    size_t delay = width >= WIDE ? 9 : 0;

    pen_put(p, INK_PLAIN, "  ");
    pen_cell(p, INK_BOLD, 11, c->number);
    pen_cell(p, INK_DIM, 4, version);
    pen_cell(p, state_ink(c->state), 12, c->state);
    pen_cell(p, INK_PLAIN, width - 60 - delay, short_name(c->title));
    pen_putf(p, INK_DIM, " %s ", pen_glyph(p, GLYPH_ARROW));
    pen_cell(p, INK_CYAN, 26, topic != NULL ? topic : c->topic);
    if (delay != 0 && c->of->written != MSEC_NONE && c->of->published >= c->of->written)
        pen_putf(p, INK_DIM, "%5lld ms", (long long)(c->of->published - c->of->written));
    line_end(p);
    free(version);
}

static void changes(struct pen *p, const struct board *b, size_t rows, size_t width)
{
    size_t shown = 0;

    for (; shown < rows && shown < b->changes_count && shown < BOARD_CHANGES; shown++)
        change_line(p, &b->changes[(b->changes_count - 1 - shown) % BOARD_CHANGES], width);
    for (; shown < rows; shown++)
        line_end(p);
}

static void title(struct pen *p, const char *from, const char *to)
{
    pen_putf(p, INK_BOLD, "  %s ", from);
    pen_put(p, INK_CYAN, pen_glyph(p, GLYPH_ARROW));
    pen_putf(p, INK_BOLD, " %s  ", to);
}

static void lists(struct pen *p, const struct view *v, size_t rows, size_t width, usec_t now)
{
    size_t room = rows - FIXED_ROWS, upper = room * 11 / 20;
    size_t steps = width > 100 ? 48 : 28;

    title(p, "Kafka alerts", "ServiceNow incidents");
    rate(p, v->board, v->board->alert_slots, steps, now);
    line_end(p);
    ticket_numbers(p, v->board, width);
    line_end(p);
    tickets(p, v->board, upper, width);
    line_end(p);
    title(p, "ServiceNow changes", "Kafka topics");
    rate(p, v->board, v->board->change_slots, steps, now);
    line_end(p);
    change_numbers(p, v->board);
    line_end(p);
    changes(p, v->board, room - upper, width);
}

void screen_draw(struct pen *p, const struct view *v, usec_t now)
{
    size_t rows, width;

    size_of(&rows, &width);
    if (rows < FIXED_ROWS + 2 || width < LEAST_COLUMNS) {
        static const char small[] = "\033[H\033[2JThis window is too small for the demo.";

        write_all(small, sizeof small - 1);
        return;
    }
    buf_clear(&p->out);
    pen_put(p, INK_PLAIN, "\033[H");
    screen_header(p, v, now, width);
    line_end(p);
    addresses(p, v->scene, width);
    line_end(p);
    progress(p, v, now, width);
    line_end(p);
    line_end(p);
    if (v->board != NULL)
        lists(p, v, rows, width, now);
    pen_put(p, INK_PLAIN, "\033[J  ");
    pen_cell(p, INK_DIM, width - 4, v->phase);
    write_all(buf_text(&p->out), p->out.length);
}
