/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/base/err.h - the one result type.
 *
 * Three kinds of "wrong", three tools, never mixed:
 *   ours      a broken invariant             TC_REQUIRE   aborts, always compiled in
 *   expected  disk full, peer gone, refused  tc_err       returned, must be used
 *   theirs    a bad frame from outside       tc_err and a counter on the session, no log per frame
 *
 * Foreign codes (uv, sqlite, nanomsg, Lua, GEOS) become tc_err in the file that includes the
 * foreign header and go no further.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TC_ERR_MAP(X)                                          \
    X(TC_OK, "ok")                                             \
    X(TC_ENOMEM, "out of memory")                              \
    X(TC_EINVAL, "invalid argument")                           \
    X(TC_EMALFORMED, "input is malformed")                     \
    X(TC_EAGAIN, "more input is needed")                       \
    X(TC_EFULL, "a fixed limit was reached")                   \
    X(TC_ECONFLICT, "refused: changed or committed elsewhere") \
    X(TC_ENOTFOUND, "no such object")                          \
    X(TC_EDENIED, "not allowed")                               \
    X(TC_ECANCELLED, "cancelled")                              \
    X(TC_ETIMEOUT, "deadline passed")                          \
    X(TC_EUNSUPPORTED, "not supported here")                   \
    X(TC_EIO, "storage or network failed")

typedef enum tc_err {
#define X(id, text) id,
    TC_ERR_MAP(X)
#undef X
} tc_err;

#define TC_MUST_USE        __attribute__((warn_unused_result))
#define TC_NORETURN        __attribute__((noreturn))
#define TC_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

/** A sentence for the operator, filled by functions that read operator input. */
#define TC_WHY_MAX 256

/** "TC_EAGAIN"; stable, safe for logs and journals. */
const char *tc_err_name(tc_err err);
/** "more input is needed"; for people. */
const char *tc_err_text(tc_err err);

TC_NORETURN void tc_require_failed(const char *expr, const char *file, int line);

/** Programmer error. Kept in release builds; the journal makes a restart cheap. */
#define TC_REQUIRE(expr)   ((expr) ? (void)0 : tc_require_failed(#expr, __FILE__, __LINE__))
#define TC_IMPLIES(a, b)   (!(a) || (b))
#define TC_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
