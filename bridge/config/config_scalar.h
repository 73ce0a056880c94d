/* Scalar types of keys; the meaning of each function is that of the member of struct config_type.
 * Inside bridge/config only. */
#ifndef BRIDGE_CONFIG_CONFIG_SCALAR_H
#define BRIDGE_CONFIG_CONFIG_SCALAR_H

#include "bridge/config/config_value.h"

void config_string_preset(const struct config_key *k, void *value);
void config_string_read(struct config_reader *r, const struct config_key *k, void *value,
                        const config_setting_t *s, const char *path);
void config_path_read(struct config_reader *r, const struct config_key *k, void *value,
                      const config_setting_t *s, const char *path);
void config_string_print(const struct config_key *k, const void *value, FILE *out);
bool config_string_same(const void *a, const void *b);
void config_string_done(void *value);
void config_bool_preset(const struct config_key *k, void *value);
void config_bool_read(struct config_reader *r, const struct config_key *k, void *value,
                      const config_setting_t *s, const char *path);
void config_bool_print(const struct config_key *k, const void *value, FILE *out);
bool config_bool_same(const void *a, const void *b);
void config_int_preset(const struct config_key *k, void *value);
void config_int_read(struct config_reader *r, const struct config_key *k, void *value,
                     const config_setting_t *s, const char *path);
void config_int_print(const struct config_key *k, const void *value, FILE *out);
bool config_int_same(const void *a, const void *b);
void config_enum_preset(const struct config_key *k, void *value);
void config_enum_read(struct config_reader *r, const struct config_key *k, void *value,
                      const config_setting_t *s, const char *path);
void config_enum_print(const struct config_key *k, const void *value, FILE *out);
bool config_enum_same(const void *a, const void *b);
void config_secret_preset(const struct config_key *k, void *value);
void config_secret_read(struct config_reader *r, const struct config_key *k, void *value,
                        const config_setting_t *s, const char *path);
void config_secret_print(const struct config_key *k, const void *value, FILE *out);
bool config_secret_same(const void *a, const void *b);
void config_secret_done(void *value);
void config_start_preset(const struct config_key *k, void *value);
void config_start_read(struct config_reader *r, const struct config_key *k, void *value,
                       const config_setting_t *s, const char *path);
void config_start_print(const struct config_key *k, const void *value, FILE *out);
bool config_start_same(const void *a, const void *b);

#endif
