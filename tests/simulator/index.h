#ifndef SIM_INDEX_H
#define SIM_INDEX_H

#include "tests/simulator/table.h"

/* The indexes of a stored table; used by table.c alone. */
struct hash_index *hash_index_new(void);
void hash_index_free(struct hash_index *h);
void hash_index_add(struct hash_index *h, const struct table *t, uint32_t column, uint32_t slot);
void hash_index_drop(struct hash_index *h, const struct table *t, uint32_t column, uint32_t slot);

struct sorted_index *sorted_index_new(void);
void sorted_index_free(struct sorted_index *x);
void sorted_index_add(struct sorted_index *x, const struct table *t, uint32_t column,
                      uint32_t slot);
void sorted_index_drop(struct sorted_index *x, const struct table *t, uint32_t column,
                       uint32_t slot);

#endif
