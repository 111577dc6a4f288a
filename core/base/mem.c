/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t fail_at;
static _Atomic uint64_t fails;

static bool fails_now(void)
{
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) == 0) {
        return false;
    }
    if (atomic_fetch_sub(&fail_at, 1) != 1) {
        return false;
    }
    atomic_fetch_add(&fails, 1);
    return true;
}

void tc_mem_fail_at(uint64_t n)
{
    atomic_store(&fail_at, n);
    atomic_store(&fails, 0);
}

uint64_t tc_mem_fails_count(void)
{
    return atomic_load(&fails);
}

void *tc_alloc(size_t size_bytes)
{
    return fails_now() ? NULL : calloc(1, size_bytes ? size_bytes : 1);
}

void *tc_realloc(void *old, size_t size_bytes)
{
    return fails_now() ? NULL : realloc(old, size_bytes ? size_bytes : 1);
}

void tc_free(void *memory)
{
    free(memory);
}

#define CHUNK_BYTES_MIN ((size_t)4 * 1024)
#define CHUNK_BYTES_MAX ((size_t)256 * 1024)
#define ALIGN           ((size_t)16)

struct tc_arena_chunk {
    struct tc_arena_chunk *next;
    size_t size;
    size_t used;
    size_t pad;
    uint8_t bytes[];
};

void *tc_arena_alloc(struct tc_arena *a, size_t size_bytes)
{
    size_t need = (size_bytes + ALIGN - 1) & ~(ALIGN - 1);
    struct tc_arena_chunk *c = a->head;
    if (!c || c->size - c->used < need) {
        size_t size = c ? c->size * 2 : CHUNK_BYTES_MIN;
        size = size > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : size;
        size = size < need ? need : size;
        c = malloc(sizeof *c + size);
        TC_REQUIRE(c != NULL);
        c->next = a->head;
        c->size = size;
        c->used = 0;
        a->head = c;
        a->reserved_bytes += size;
    }
    void *p = c->bytes + c->used;
    c->used += need;
    a->used_bytes += need;
    memset(p, 0, need);
    return p;
}

char *tc_arena_copy(struct tc_arena *a, const void *bytes, size_t len)
{
    char *p = tc_arena_alloc(a, len + 1);
    if (len) {
        memcpy(p, bytes, len);
    }
    return p;
}

void tc_arena_reset(struct tc_arena *a)
{
    while (a->head && a->head->next) {
        struct tc_arena_chunk *next = a->head->next;
        a->reserved_bytes -= a->head->size;
        free(a->head);
        a->head = next;
    }
    if (a->head) {
        a->head->used = 0;
    }
    a->used_bytes = 0;
}

void tc_arena_finish(struct tc_arena *a)
{
    while (a->head) {
        struct tc_arena_chunk *next = a->head->next;
        free(a->head);
        a->head = next;
    }
    *a = (struct tc_arena){0};
}

struct tc_blob *tc_blob_create(const void *bytes, size_t len)
{
    struct tc_blob *b = tc_alloc(sizeof *b + len);
    if (!b) {
        return NULL;
    }
    atomic_init(&b->count, 1);
    b->len = len;
    if (len) {
        memcpy(b->bytes, bytes, len);
    }
    return b;
}

struct tc_blob *tc_blob_ref(struct tc_blob *b)
{
    atomic_fetch_add_explicit(&b->count, 1, memory_order_relaxed);
    return b;
}

void tc_blob_unref(struct tc_blob *b)
{
    if (b && atomic_fetch_sub_explicit(&b->count, 1, memory_order_acq_rel) == 1) {
        free(b);
    }
}
