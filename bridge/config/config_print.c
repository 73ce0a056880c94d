/* config print and config reference: the table written out. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/config/config_table.h"
#include "bridge/config/config_value.h"

#define HELP_WIDTH 78

static void indent(FILE *out, int depth)
{
    (void)fprintf(out, "%*s", depth * 4, "");
}

static void print_keys(const struct config *c, const struct config_group *g, size_t entry,
                       int depth, FILE *out)
{
    const char *base = config_group_base_const(c, g, entry);

    for (size_t i = 0; i < config_keys_count(); i++) {
        const struct config_key *k = config_key_at(i);

        if (!config_key_in(k, g))
            continue;
        indent(out, depth);
        (void)fprintf(out, "%s = ", config_key_name(k));
        config_type_of(k)->print(k, base + k->offset, out);
        (void)fputs(";\n", out);
    }
}

static void print_group(const struct config *c, const struct config_group *g, int depth, FILE *out)
{
    const char *dot = strrchr(g->path, '.');

    indent(out, depth);
    (void)fprintf(out, "%s: {\n", dot ? dot + 1 : g->path);
    print_keys(c, g, 0, depth + 1, out);
    for (size_t i = 0; i < config_groups_count; i++) {
        const char *sub = strrchr(config_groups[i].path, '.');

        if (sub && config_group_find(g, sub + 1) == &config_groups[i])
            print_group(c, &config_groups[i], depth + 1, out);
    }
    indent(out, depth);
    (void)fputs("};\n", out);
}

static void print_list(const struct config *c, const struct config_group *g, size_t owner,
                       int depth, FILE *out);

static void print_inner_lists(const struct config *c, const struct config_group *g, size_t entry,
                              int depth, FILE *out)
{
    for (size_t i = 0; i < config_groups_count; i++) {
        const char *sub = strrchr(config_groups[i].path, '.');

        if (sub && config_group_find(g, sub + 1) == &config_groups[i])
            print_list(c, &config_groups[i], entry, depth, out);
    }
}

/* Of a list within a list: the entries that belong to `owner`. */
static void print_list(const struct config *c, const struct config_group *g, size_t owner,
                       int depth, FILE *out)
{
    const char *dot = strrchr(g->path, '.'), *before = " {\n";

    indent(out, depth);
    (void)fprintf(out, "%s: (", dot ? dot + 1 : g->path);
    for (size_t entry = 0; entry < config_group_count(c, g); entry++) {
        if (config_group_owner(c, g, entry) != owner)
            continue;
        (void)fputs(before, out);
        before = ", {\n";
        print_keys(c, g, entry, depth + 1, out);
        print_inner_lists(c, g, entry, depth + 1, out);
        indent(out, depth);
        (void)fputc('}', out);
    }
    (void)fputs(" );\n", out);
}

void config_print(const struct config *c, FILE *out)
{
    for (size_t i = 0; i < config_groups_count; i++) {
        const struct config_group *g = &config_groups[i];

        if (!*g->path)
            print_keys(c, g, 0, 0, out);
        else if (strchr(g->path, '.'))
            continue; /* with what it lies in */
        else if (g->kind != GROUP_ONE)
            print_list(c, g, 0, 0, out);
        else
            print_group(c, g, 0, out);
    }
}

static void wrap(const char *text, FILE *out)
{
    while (*text) {
        size_t length = strlen(text), cut = length;

        if (length > HELP_WIDTH) {
            for (cut = HELP_WIDTH; cut > 0 && text[cut] != ' '; cut--)
                ;
            cut = cut ? cut : HELP_WIDTH;
        }
        (void)fprintf(out, "    %.*s\n", (int)cut, text);
        text += cut;
        text += strspn(text, " ");
    }
}

static void print_range(const struct config_key *k, FILE *out)
{
    if (k->type == KEY_INT)
        (void)fprintf(out, ", %lld to %lld", (long long)k->low, (long long)k->high);
    for (size_t i = 0; k->type == KEY_ENUM && k->words[i]; i++)
        (void)fprintf(out, "%s%s", i ? " | " : ", ", k->words[i]);
    if (k->type != KEY_INT && k->low > 0 && k->preset)
        (void)fputs(", not empty", out);
}

static void print_default(const struct config_key *k, FILE *out)
{
    if (!k->preset)
        (void)fputs(", must be given", out);
    else if (k->preset_is)
        (void)fprintf(out, ", default: %s", k->preset_is);
    else if (k->type == KEY_INT || k->type == KEY_BOOL || k->type == KEY_ENUM)
        (void)fprintf(out, ", default %s", k->preset);
    else if (!*k->preset)
        (void)fputs(", default empty", out);
    else
        (void)fprintf(out, ", default \"%s\"", k->preset);
}

static void reference_key(const struct config_key *k, FILE *out)
{
    (void)fprintf(out, "%s  (%s", k->path, config_type_of(k)->name);
    if (k->kind)
        (void)fprintf(out, ": %s", k->kind);
    if (k->unit)
        (void)fprintf(out, ", %s", k->unit);
    print_range(k, out);
    print_default(k, out);
    (void)fprintf(out, ", %s)\n", k->reloadable ? "reload" : "restart");
    wrap(k->help, out);
    (void)fputc('\n', out);
}

void config_reference(FILE *out)
{
    (void)fputs(
        "A secret is file:PATH, env:NAME or the text itself. A relative path starts from "
        "the\nfolder of the configuration file. A reload (SIGHUP) changes keys marked "
        "\"reload\";\nall others take a restart. What has [] behind it is a list with any number "
        "of entries.\n\n",
        out);
    for (size_t i = 0; i < config_groups_count; i++) {
        const struct config_group *g = &config_groups[i];

        (void)fprintf(out, "# %s%s%s\n\n", g->path, *g->path ? ": " : "", g->help);
        for (size_t j = 0; j < config_keys_count(); j++)
            if (config_key_in(config_key_at(j), g))
                reference_key(config_key_at(j), out);
    }
}
