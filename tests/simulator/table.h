#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include "tests/simulator/util.h"

#include <uthash.h>

enum column_type {
    COL_TEXT,
    COL_WHOLE,
    COL_FLAG,
    COL_TIME,
    COL_REFERENCE,
    COL_CHOICE,
    COL_JOURNAL,
    COL_DURATION,
    COL_PASSWORD /* stored as a digest, read as that */
};

enum column_flag {
    COL_READ_ONLY = 1, /* silently not written over the API */
    COL_NUMERIC = 2,   /* a choice whose values are numbers */
    COL_STRICT = 4,    /* a choice whose values are checked */
    COL_HASHED = 8,    /* has a hash index */
    COL_SORTED = 16    /* has an ordered index on (value, sys_id), empty values left out */
};

struct column {
    char *name;
    char *label;
    char *fallback; /* value of a row that does not hold the column */
    char *reference;
    uint32_t length; /* in bytes of UTF-8 */
    enum column_type type;
    unsigned flags;
};

/* The first columns of every table. */
enum {
    COL_SYS_ID,
    COL_CREATED_ON,
    COL_CREATED_BY,
    COL_UPDATED_ON,
    COL_UPDATED_BY,
    COL_MOD_COUNT,
    COL_CLASS,
    COL_SYSTEM_COUNT
};

#define COLUMNS_MAX 128
#define NO_COLUMN   UINT32_MAX
#define NO_SLOT     UINT32_MAX

struct row;
struct hash_index;
struct sorted_index;

/* Rows of a table, by slot number. A slot is free when row[slot] is NULL. */
struct rows {
    struct row **row;
    uint32_t *spare; /* stack of free slots below `slots` */
    uint32_t slots, cap, spares, live;
    uint64_t version; /* moves with every change */
    struct hash_index *hash[COLUMNS_MAX];
    struct sorted_index *sorted[COLUMNS_MAX];
};

enum table_kind { TABLE_PLAIN, TABLE_INCIDENT, TABLE_CHANGE, TABLE_PROBLEM };

/*
 * A table, or a class whose rows lie in the table of its topmost parent (`store`). A class has
 * its own name and the first `columns` columns of the store.
 */
struct table {
    char *name;
    char *label;
    struct table *parent;
    struct table *store;
    char *prefix; /* of numbers, NULL: no number */
    int64_t next_number;
    enum table_kind kind;
    uint32_t columns;         /* that this table or class shows */
    uint32_t stored;          /* that its rows have, set in the store */
    uint32_t number, display; /* columns, or NO_COLUMN */
    struct column column[COLUMNS_MAX];
    uint8_t by_name[512]; /* open addressing, column + 1 */
    struct rows rows;
    UT_hash_handle hh;
};

struct store {
    struct table *tables;
};

struct store *store_new(void);
void store_free(struct store *s);

/* Borrowed, or NULL. */
struct table *store_find(const struct store *s, const char *name);

/* A new empty table with the system columns; a class when parent is given. Borrowed. */
struct table *store_add(struct store *s, const char *name, const char *label, struct table *parent);

/* Adds a column; all texts are copied, NULL stands for none. Returns its number, or NO_COLUMN when
 * the table is full. An existing column is returned as it is. */
uint32_t table_column_add(struct table *t, const struct column *like);

/* Number of a column the table (or class) has, or NO_COLUMN. */
uint32_t table_column(const struct table *t, const char *name, size_t n);

/* Whether rows of class name `class` belong to table t. */
bool table_holds_class(const struct store *s, const struct table *t, const char *class);

/* Value of a column in a row of a stored table: never NULL, borrowed from row or table. */
const char *row_get(const struct table *t, const struct row *r, uint32_t column);

static inline const struct row *table_row(const struct table *t, uint32_t slot)
{
    return slot < t->store->rows.slots ? t->store->rows.row[slot] : NULL;
}

/* Slot of a sys_id, or NO_SLOT. */
uint32_t table_find(const struct table *t, const char *sys_id);

/* Stores a row with these values (one for each column of the store, NULL: the fallback), in a new
 * slot for NO_SLOT, else in place of what the slot holds. All indexes follow. Returns the slot. */
uint32_t table_put(struct table *t, uint32_t slot, const char *const *values);
void table_remove(struct table *t, uint32_t slot);
void table_clear(struct table *t);

/* Hash index: first slot with this value and the next one after a slot; NO_SLOT at the end. */
uint32_t hash_first(const struct table *t, uint32_t column, const char *value);
uint32_t hash_next(const struct table *t, uint32_t column, const char *value, uint32_t slot);

/* A place in a sorted index. */
struct place {
    uint32_t chunk;
    uint32_t at;
};

/* First place with (value, sys_id) not below (after: above) the given; sys_id NULL: the first
 * (after: past the last) of this value. value NULL: the first place (after: the end). */
struct place sorted_seek(const struct table *t, uint32_t column, const char *value,
                         const char *sys_id, bool after);
/* Slot at a place, NO_SLOT at the end. */
uint32_t sorted_slot(const struct table *t, uint32_t column, struct place p);
struct place sorted_forward(const struct table *t, uint32_t column, struct place p);
/* Steps back; false when p was the first. */
bool sorted_back(const struct table *t, uint32_t column, struct place *p);

#endif
