/* fail_disk: what LD_PRELOAD puts before a real cauced, so that its disk refuses what a test says.
 *
 * The file that $CAUCE_FAIL_DISK names holds one line, `sync TEXT` or `write TEXT`: while it is there,
 * syncs of files whose path has TEXT in it fail with EIO, or writes to them with ENOSPC.  A write may
 * go on where the file does not grow. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 128

/* True when `verb` is to fail for this file. */
static bool must_fail(const char *verb, int fd)
{
    const char *const control = getenv("CAUCE_FAIL_DISK");
    char line[LINE_BYTES] = "", link[48], path[PATH_MAX];
    int const file = control ? open(control, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return false;
    ssize_t const size = read(file, line, sizeof line - 1);
    (void)close(file);
    size_t const verb_size = strlen(verb);
    if (size <= (ssize_t)verb_size || strncmp(line, verb, verb_size) != 0) return false;
    line[strcspn(line, "\n")] = 0;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t const length = readlink(link, path, sizeof path - 1);
    if (length < 0) return false;
    path[length] = 0;
    return strstr(path, line + verb_size) != NULL;
}

static bool would_grow(int fd, off_t end)
{
    struct stat facts;
    return fstat(fd, &facts) == 0 && end > facts.st_size;
}

/* What would have been called; the symbols are always there. */
static void *next(const char *name)
{
    void *const found = dlsym(RTLD_NEXT, name);
    if (found == NULL) abort();
    return found;
}

static int sync_with(const char *name, int fd)
{
    if (must_fail("sync ", fd)) {
        errno = EIO;
        return -1;
    }
    int (*function)(int);
    *(void **)&function = next(name);
    return function(fd);
}

int fsync(int fd)
{
    return sync_with("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_with("fdatasync", fd);
}

static ssize_t write_with(const char *name, int fd, const void *bytes, size_t size, off_t at)
{
    if (would_grow(fd, at + (off_t)size) && must_fail("write ", fd)) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t (*function)(int, const void *, size_t, off_t);
    *(void **)&function = next(name);
    return function(fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return write_with("pwrite", fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    return write_with("pwrite64", fd, bytes, size, at);
}
