/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clients/hub/access.h - who may come in: users, sessions and API keys in access.db (mode 0600).
 *
 * Passwords are kept as argon2id, session tokens and keys as BLAKE2b hashes; nothing here can be
 * turned back into what a person typed. Every function may block (disk, argon2id): the hub calls
 * them on a lane, the command line on its own thread. One tc_access per thread.
 */
#pragma once

#include "core/event/event.h"

struct tc_access;

#define TC_ACCESS_NAME_MAX     48u
#define TC_ACCESS_PASSWORD_MIN 8u
#define TC_ACCESS_PASSWORD_MAX 128u
#define TC_ACCESS_SESSION_US   (12 * INT64_C(3600000000)) /* since it was last used */
#define TC_ACCESS_TOKEN_SIZE   44u                        /* 32 bytes in base64url, and NUL */
#define TC_ACCESS_HASH_SIZE    32u

/** A session or key as the hub keeps it in memory to answer "who is this?" without the disk. */
struct tc_access_entry {
    uint8_t hash[TC_ACCESS_HASH_SIZE];
    char name[TC_ACCESS_NAME_MAX + 1];
    enum tc_role role;
    bool is_key;
    int64_t expires_us; /* INT64_MAX for keys */
};
struct tc_access_view {
    size_t count;
    struct tc_access_entry entries[];
};

struct tc_access_user {
    char name[TC_ACCESS_NAME_MAX + 1];
    enum tc_role role;
    bool is_disabled;
    bool is_key;
};

/** Creates the file when it is not there; refuses one that others may read. */
TC_MUST_USE tc_err tc_access_open(const char *file, struct tc_access **out,
                                  char why[static TC_WHY_MAX]);
void tc_access_close(struct tc_access *a);

/** Changes whenever another connection wrote: read the view again. */
int64_t tc_access_version(struct tc_access *a);
/** Sessions and keys that are valid at `now_us`; returned, free with tc_free. NULL on failure. */
struct tc_access_view *tc_access_view(struct tc_access *a, int64_t now_us);

/** TC_EDENIED for a wrong name or password, after the same time. Opens a session. */
TC_MUST_USE tc_err tc_access_log_in(struct tc_access *a, struct tc_str name, struct tc_str password,
                                    int64_t now_us, struct tc_access_entry *out,
                                    char token[static TC_ACCESS_TOKEN_SIZE]);
void tc_access_log_out(struct tc_access *a, const uint8_t hash[static TC_ACCESS_HASH_SIZE]);
/** The session was used: it lives 12 h from now. */
void tc_access_touch(struct tc_access *a, const uint8_t hash[static TC_ACCESS_HASH_SIZE],
                     int64_t now_us);
/** Of a token or key as the client sends it. Any thread. */
void tc_access_hash(struct tc_str token, uint8_t hash[static TC_ACCESS_HASH_SIZE]);

TC_MUST_USE tc_err tc_access_user_add(struct tc_access *a, struct tc_str name, enum tc_role role,
                                      struct tc_str password, char why[static TC_WHY_MAX]);
/** Ends the user's sessions too. */
TC_MUST_USE tc_err tc_access_user_set_password(struct tc_access *a, struct tc_str name,
                                               struct tc_str password, char why[static TC_WHY_MAX]);
/** A user or a key; ends the sessions. */
TC_MUST_USE tc_err tc_access_disable(struct tc_access *a, struct tc_str name,
                                     char why[static TC_WHY_MAX]);
TC_MUST_USE tc_err tc_access_key_add(struct tc_access *a, struct tc_str name, enum tc_role role,
                                     char key[static TC_ACCESS_TOKEN_SIZE],
                                     char why[static TC_WHY_MAX]);
/** Users, then keys; `each` for every one. */
TC_MUST_USE tc_err tc_access_list(struct tc_access *a, void *ctx,
                                  void (*each)(void *ctx, const struct tc_access_user *user));
/** A password or token that nobody can guess. */
void tc_access_random_token(char out[static TC_ACCESS_TOKEN_SIZE]);
