/* SPDX-License-Identifier: Apache-2.0 */
/* The console's files are read once, at the start: no disk on the loop, and no path from outside
 * ever reaches the file system. */
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/hub/hub_int.h"

#define FILE_BYTES_MAX ((off_t)32 * 1024 * 1024)
#define DEPTH_MAX      8

static const struct {
    const char *ending;
    const char *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".geojson", "application/geo+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wav", "audio/wav"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".map", "application/json"},
};

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < TC_COUNT_OF(types); i++) {
        if (strcmp(types[i].ending, dot) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

static struct tc_blob *read_all(int fd, off_t size)
{
    struct tc_buf b = {0};
    struct tc_blob *blob = NULL;
    if (tc_buf_reserve(&b, (size_t)size + 1)) {
        ssize_t n = 0;
        while (b.len < (size_t)size && (n = read(fd, b.bytes + b.len, (size_t)size - b.len)) > 0) {
            b.len += (size_t)n;
        }
        blob = b.len == (size_t)size ? tc_blob_create(b.bytes, b.len) : NULL;
    }
    tc_buf_finish(&b);
    return blob;
}

static void add_file(struct tc_hub *h, int fd, off_t size, const char *path)
{
    struct file *f = &h->files[h->file_count];
    if (h->file_count == HUB_FILES_MAX || size > FILE_BYTES_MAX || strlen(path) >= sizeof f->path) {
        TC_LOG_W("hub", "console file left out (limit): %s", path);
        return;
    }
    f->body = read_all(fd, size);
    if (!f->body) {
        return;
    }
    uint8_t hash[16];
    char hex[33];
    (void)crypto_generichash(hash, sizeof hash, f->body->bytes, f->body->len, NULL, 0);
    (void)sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    (void)tc_str_format(f->etag, sizeof f->etag, "\"%s\"", hex);
    (void)tc_str_put(f->path, sizeof f->path, tc_str_of(path));
    f->type = type_of(path);
    h->file_count++;
}

static void add_folder(struct tc_hub *h, int dir_fd, const char *path, int depth);

static void add_entry(struct tc_hub *h, int dir_fd, const char *path, const char *name, int depth)
{
    char full[256];
    struct stat st;
    (void)tc_str_format(full, sizeof full, "%s/%s", path, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        add_folder(h, fd, full, depth + 1); /* closes it */
        return;
    }
    if (S_ISREG(st.st_mode)) {
        add_file(h, fd, st.st_size, full);
    }
    (void)close(fd);
}

/** `dir_fd` is taken. */
static void add_folder(struct tc_hub *h, int dir_fd, const char *path, int depth)
{
    DIR *dir = fdopendir(dir_fd);
    if (!dir) {
        (void)close(dir_fd);
        return;
    }
    struct dirent *e = NULL;
    while ((e = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): our own stream */
        if (e->d_name[0] != '.') {
            add_entry(h, dir_fd, path, e->d_name, depth);
        }
    }
    (void)closedir(dir);
}

tc_err hub__files_load(struct tc_hub *h, const char *dir, char why[static TC_WHY_MAX])
{
    h->files = tc_alloc(HUB_FILES_MAX * sizeof *h->files);
    if (!h->files || sodium_init() < 0) {
        (void)tc_str_format(why, TC_WHY_MAX, "out of memory");
        return TC_ENOMEM;
    }
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        add_folder(h, fd, "", 0);
    }
    return TC_OK;
}

void hub__files_finish(struct tc_hub *h)
{
    for (size_t i = 0; i < h->file_count; i++) {
        tc_blob_unref(h->files[i].body);
    }
    tc_free(h->files);
}

const struct file *hub__file_find(const struct tc_hub *h, const char *path)
{
    for (size_t i = 0; i < h->file_count; i++) {
        if (strcmp(h->files[i].path, path) == 0) {
            return &h->files[i];
        }
    }
    return NULL;
}
