/* Files are arrays of pages; a page written since its file's last sync keeps its durable form beside
 * the live one.  Locks are those of SQLite's contract, between the connections of this process. */
#include "tests/simulator/disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096
#define SECTOR_BYTES 512
#define FILES_MAX 128
#define NAME_BYTES 512
#define SHM_SLOTS 8 /* SQLITE_SHM_NLOCK */

struct page {
    uint8_t *live;
    uint8_t *durable; /* NULL: as live */
    bool is_dropped; /* a sync of it was refused: the next ones pass it over, until it is written */
};

struct handle;

/* A file on the disk; deleted ones stay until nothing can bring them back. */
struct file {
    char name[NAME_BYTES]; /* "": this place is free */
    uint64_t size;
    uint64_t durable_size;
    bool is_durable;  /* its name was synced */
    bool is_deleted;  /* and may come back with the power */
    bool is_unlinked; /* deleted for good while open: it goes with its last handle */
    uint32_t page_count;
    struct page *pages;
    uint32_t dirty_count; /* pages with a durable form of their own */
    uint32_t dirty_room;
    uint32_t *dirty;
    struct handle *handles; /* open ones */
    uint32_t region_count;  /* of shared memory */
    void **regions;
};

struct handle {
    sqlite3_file base; /* SQLite's; first */
    struct file *file;
    struct handle *next; /* of the same file */
    int lock;            /* SQLITE_LOCK_* */
    bool is_temporary;
    uint8_t shm_shared; /* bit per slot */
    uint8_t shm_exclusive;
};

static struct {
    struct file files[FILES_MAX];
    struct chance chance;
    uint64_t operations;
    void (*watch)(enum disk_operation, const char *);
    bool is_spared;
    bool is_armed;
    bool has_struck;
    bool is_down;
    bool is_broken;
    bool is_full;
    bool is_power_lost; /* since the last restart; only when down */
    enum disk_accident accident;
    uint32_t countdown;
    uint32_t temporary_count;
} disk;

static void *must(void *memory)
{
    if (memory == NULL) abort(); /* a simulator without memory proves nothing */
    return memory;
}

/* --- files ------------------------------------------------------------------------------------ */

static struct file *find_file(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (!disk.files[i].is_deleted && strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    }
    return NULL;
}

static void forget_file(struct file *file)
{
    for (uint32_t i = 0; i < file->page_count; i++) {
        free(file->pages[i].live);
        free(file->pages[i].durable);
    }
    free(file->pages);
    free(file->dirty);
    for (uint32_t i = 0; i < file->region_count; i++)
        free(file->regions[i]);
    free(file->regions);
    *file = (struct file){0};
}

/* No name finds it any more; who has it open keeps it, as on any Unix. */
static void unlink_file(struct file *file)
{
    if (file->handles == NULL) {
        forget_file(file);
        return;
    }
    strcpy(file->name, "?");
    file->is_deleted = file->is_unlinked = true;
}

static struct file *make_file(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *const file = &disk.files[i];
        if (file->name[0] != 0) continue;
        assert(strlen(name) < NAME_BYTES);
        strcpy(file->name, name);
        return file;
    }
    abort(); /* the ledger has a handful of files */
}

static void grow(struct file *file, uint64_t size)
{
    uint32_t const pages = (uint32_t)((size + PAGE_BYTES - 1) / PAGE_BYTES);
    if (pages <= file->page_count) return;
    file->pages = must(realloc(file->pages, pages * sizeof *file->pages));
    for (uint32_t i = file->page_count; i < pages; i++)
        file->pages[i] = (struct page){.live = must(calloc(1, PAGE_BYTES))};
    file->page_count = pages;
}

/* Keeps the durable form of a page that is about to change. */
static void touch(struct file *file, uint32_t at)
{
    struct page *const page = &file->pages[at];
    page->is_dropped = false;
    if (page->durable != NULL) return;
    page->durable = must(malloc(PAGE_BYTES));
    memcpy(page->durable, page->live, PAGE_BYTES);
    if (file->dirty_count == file->dirty_room) {
        file->dirty_room = file->dirty_room ? 2 * file->dirty_room : 64;
        file->dirty = must(realloc(file->dirty, file->dirty_room * sizeof *file->dirty));
    }
    file->dirty[file->dirty_count++] = at;
}

/* What is live becomes durable, but for what was dropped. */
static void settle_pages(struct file *file)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < file->dirty_count; i++) {
        struct page *const page = &file->pages[file->dirty[i]];
        if (page->is_dropped) {
            file->dirty[left++] = file->dirty[i];
            continue;
        }
        free(page->durable);
        page->durable = NULL;
    }
    file->dirty_count = left;
    file->durable_size = file->size;
    file->is_durable = true;
}

/* --- accidents -------------------------------------------------------------------------------- */

/* A page that was not synced: old, new, or a mixture of whole sectors, one of them perhaps cut. */
static void tear(struct page *page)
{
    uint32_t const fate = chance_below(&disk.chance, 4);
    for (uint32_t at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
        bool const is_old = fate == 0 || (fate >= 2 && chance_is(&disk.chance, 1, 2));
        uint32_t const cut =
            fate == 3 ? chance_below(&disk.chance, SECTOR_BYTES + 1) : SECTOR_BYTES;
        if (is_old) memcpy(page->live + at, page->durable + at, cut);
    }
}

static void drop_pages(struct file *file)
{
    for (uint32_t i = 0; i < file->dirty_count; i++)
        file->pages[file->dirty[i]].is_dropped = true;
}

static void lose_power_of(struct file *file)
{
    if (file->is_deleted) {
        if (chance_is(&disk.chance, 1, 2)) {
            file->is_deleted = false;
        } else {
            forget_file(file);
            return;
        }
    }
    if (!file->is_durable && chance_is(&disk.chance, 1, 2)) {
        forget_file(file);
        return;
    }
    for (uint32_t i = 0; i < file->dirty_count; i++) {
        struct page *const page = &file->pages[file->dirty[i]];
        tear(page);
        page->is_dropped = false;
    }
    uint64_t const low = file->size < file->durable_size ? file->size : file->durable_size;
    uint64_t const high = file->size < file->durable_size ? file->durable_size : file->size;
    switch (chance_below(&disk.chance, 3)) {
    case 0: file->size = low; break;
    case 1: file->size = high; break;
    default: file->size = low + chance_next(&disk.chance) % (high - low + 1);
    }
    for (uint64_t at = file->size; at < (uint64_t)file->page_count * PAGE_BYTES;
         at += PAGE_BYTES - at % PAGE_BYTES)
        memset(file->pages[at / PAGE_BYTES].live + at % PAGE_BYTES, 0,
               PAGE_BYTES - at % PAGE_BYTES);
    settle_pages(file);
}

void disk_fail(enum disk_accident accident)
{
    disk.has_struck = true;
    switch (accident) {
    case DISK_KILL: disk.is_down = true; break;
    case DISK_POWER: disk.is_down = disk.is_power_lost = true; break;
    case DISK_BREAK: disk.is_broken = true; break;
    case DISK_FULL: disk.is_full = true; break;
    case DISK_REFUSE:
    case DISK_FULL_ONCE:
    case DISK_SHORT: break;
    }
}

const char *disk_operation_name(enum disk_operation operation)
{
    switch (operation) {
    case DISK_READ: return "read";
    case DISK_WRITE: return "write";
    case DISK_TRUNCATE: return "truncate";
    case DISK_SYNC: return "sync";
    case DISK_DELETE: return "delete";
    }
    return "";
}

static void look(enum disk_operation operation, const char *name)
{
    if (disk.watch != NULL && !disk.is_spared && !disk.is_down) disk.watch(operation, name);
}

/* Whether what is armed happens now. */
static bool strikes(void)
{
    if (disk.countdown > 0) {
        disk.countdown--;
        return false;
    }
    disk.is_armed = false;
    disk_fail(disk.accident);
    return true;
}

/* Before each operation that changes the disk: SQLITE_OK, or with what it fails; `refused` is EIO's. */
static int may_go_on(enum disk_operation operation, const char *name, int refused)
{
    look(operation, name);
    if (disk.is_down || disk.is_broken) return refused;
    if (disk.is_spared) return SQLITE_OK;
    disk.operations++;
    if (!disk.is_armed || disk.accident == DISK_SHORT || !strikes()) return SQLITE_OK;
    if (disk.accident == DISK_FULL) return SQLITE_OK; /* unless the file has to grow */
    if (disk.accident == DISK_FULL_ONCE && operation == DISK_WRITE) return SQLITE_FULL;
    return refused;
}

/* Before each read: true when it must come short. */
static bool comes_short(const char *name)
{
    look(DISK_READ, name);
    return !disk.is_spared && disk.is_armed && disk.accident == DISK_SHORT && strikes();
}

void disk_arm(enum disk_accident accident, uint32_t operations)
{
    disk.is_armed = true;
    disk.has_struck = false;
    disk.accident = accident;
    disk.countdown = operations;
}

void disk_disarm(void)
{
    disk.is_armed = false;
    disk.has_struck = false;
}

void disk_watch(void (*watch)(enum disk_operation operation, const char *name))
{
    disk.watch = watch;
}

void disk_spare(bool is_spared)
{
    disk.is_spared = is_spared;
}

bool disk_is_broken(void)
{
    return disk.is_broken;
}

bool disk_is_full(void)
{
    return disk.is_full;
}

void disk_make_room(void)
{
    disk.is_full = false;
}

bool disk_is_down(void)
{
    return disk.is_down;
}

bool disk_has_struck(void)
{
    return disk.has_struck || disk.is_full || disk.is_broken;
}

void disk_restart(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *const file = &disk.files[i];
        if (file->name[0] == 0) continue;
        assert(file->handles == NULL);
        if (disk.is_power_lost) lose_power_of(file);
    }
    disk.is_down = false;
    disk.is_power_lost = false;
    disk.is_broken = false;
    disk_disarm();
}

/* The path of a file's copy. */
static const char *copy_of(const struct file *file, const char *directory, char path[NAME_BYTES])
{
    const char *const slash = strrchr(file->name, '/');
    sqlite3_snprintf(NAME_BYTES, path, "%s/%s", directory, slash ? slash + 1 : file->name);
    return path;
}

static bool copy_file(const struct file *file, const char *path)
{
    FILE *const copy = fopen(path, "wb");
    if (copy == NULL) return false;
    bool good = true;
    for (uint64_t at = 0; at < file->size && good; at += PAGE_BYTES) {
        size_t const part = file->size - at < PAGE_BYTES ? (size_t)(file->size - at) : PAGE_BYTES;
        good = fwrite(file->pages[at / PAGE_BYTES].live, 1, part, copy) == part;
    }
    return fclose(copy) == 0 && good;
}

bool disk_copy_out(const char *directory)
{
    char path[NAME_BYTES];
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct file *const file = &disk.files[i];
        if (file->name[0] == 0 || file->is_deleted) continue;
        if (!copy_file(file, copy_of(file, directory, path))) return false;
    }
    return true;
}

bool disk_remove_copy(const char *directory)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"}; /* a reader may have left two */
    char path[NAME_BYTES], beside[NAME_BYTES + 8];
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct file *const file = &disk.files[i];
        if (file->name[0] == 0 || file->is_deleted) continue;
        (void)copy_of(file, directory, path);
        for (size_t k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++) {
            sqlite3_snprintf(sizeof beside, beside, "%s%s", path, suffixes[k]);
            (void)remove(beside); /* what is left makes the last one fail */
        }
    }
    return remove(directory) == 0;
}

uint64_t disk_bytes(void)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        bytes += disk.files[i].size;
    return bytes;
}

uint64_t disk_operations(void)
{
    return disk.operations;
}

/* --- what SQLite asks of an open file --------------------------------------------------------- */

static struct handle *handle_of(sqlite3_file *base)
{
    return (struct handle *)base;
}

static int file_close(sqlite3_file *base)
{
    struct handle *const handle = handle_of(base);
    struct file *const file = handle->file;
    struct handle **at = &file->handles;
    while (*at != handle)
        at = &(*at)->next;
    *at = handle->next;
    if (handle->is_temporary || (file->is_unlinked && file->handles == NULL)) forget_file(file);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *into, int amount, sqlite3_int64 offset)
{
    const struct file *const file = handle_of(base)->file;
    bool const is_short = comes_short(file->name);
    if (disk.is_down) return SQLITE_IOERR_READ;
    uint8_t *to = into;
    uint64_t at = (uint64_t)offset;
    size_t left = (size_t)amount / (is_short ? 2 : 1);
    while (left > 0 && at < file->size) {
        size_t const inside = at % PAGE_BYTES;
        size_t part = PAGE_BYTES - inside < left ? PAGE_BYTES - inside : left;
        if (part > file->size - at) part = (size_t)(file->size - at);
        memcpy(to, file->pages[at / PAGE_BYTES].live + inside, part);
        to += part;
        at += part;
        left -= part;
    }
    if (is_short) return SQLITE_IOERR_READ; /* as the system's VFS when it reads on and fails */
    if (left == 0) return SQLITE_OK;
    memset(to, 0, left); /* SQLite demands it */
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *from, int amount, sqlite3_int64 offset)
{
    struct file *const file = handle_of(base)->file;
    int const result = may_go_on(DISK_WRITE, file->name, SQLITE_IOERR_WRITE);
    if (result != SQLITE_OK) return result;
    const uint8_t *bytes = from;
    uint64_t at = (uint64_t)offset;
    size_t left = (size_t)amount;
    uint64_t const room = (file->size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (disk.is_full && at + left > room) return SQLITE_FULL;
    grow(file, at + left);
    while (left > 0) {
        size_t const inside = at % PAGE_BYTES;
        size_t const part = PAGE_BYTES - inside < left ? PAGE_BYTES - inside : left;
        touch(file, (uint32_t)(at / PAGE_BYTES));
        memcpy(file->pages[at / PAGE_BYTES].live + inside, bytes, part);
        bytes += part;
        at += part;
        left -= part;
    }
    if (at > file->size) file->size = at;
    return SQLITE_OK;
}

/* What is cut off reads as zeros when the file grows again; until a sync it may come back. */
static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *const file = handle_of(base)->file;
    int const result = may_go_on(DISK_TRUNCATE, file->name, SQLITE_IOERR_TRUNCATE);
    if (result != SQLITE_OK) return result;
    uint64_t const end = (uint64_t)size;
    for (uint64_t at = end; at < file->size; at += PAGE_BYTES - at % PAGE_BYTES) {
        touch(file, (uint32_t)(at / PAGE_BYTES));
        memset(file->pages[at / PAGE_BYTES].live + at % PAGE_BYTES, 0,
               PAGE_BYTES - at % PAGE_BYTES);
    }
    if (end < file->size) file->size = end;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct file *const file = handle_of(base)->file;
    int const result = may_go_on(DISK_SYNC, file->name, SQLITE_IOERR_FSYNC);
    if (result == SQLITE_OK)
        settle_pages(file);
    else if (!disk.is_down)
        drop_pages(file);
    return result;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    if (disk.is_down) return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)handle_of(base)->file->size;
    return SQLITE_OK;
}

/* The highest lock that another connection holds on the file. */
static int others_lock(const struct handle *handle)
{
    int highest = SQLITE_LOCK_NONE;
    for (const struct handle *other = handle->file->handles; other != NULL; other = other->next) {
        if (other != handle && other->lock > highest) highest = other->lock;
    }
    return highest;
}

static int file_lock(sqlite3_file *base, int lock)
{
    struct handle *const handle = handle_of(base);
    if (disk.is_down) return SQLITE_IOERR_LOCK;
    if (handle->lock >= lock) return SQLITE_OK;
    int const others = others_lock(handle);
    if (lock == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    if (lock >= SQLITE_LOCK_RESERVED && others >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    if (lock == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
        handle->lock = SQLITE_LOCK_PENDING; /* no new readers; the caller tries again */
        return SQLITE_BUSY;
    }
    handle->lock = lock;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int lock)
{
    if (handle_of(base)->lock > lock) handle_of(base)->lock = lock;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *is_reserved)
{
    *is_reserved = handle_of(base)->lock >= SQLITE_LOCK_RESERVED ||
                   others_lock(handle_of(base)) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return PAGE_BYTES;
}

static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the system's VFS says of every disk */
}

/* --- shared memory, the index of the write-ahead log ------------------------------------------ */

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct file *const file = handle_of(base)->file;
    *out = NULL;
    if (disk.is_down) return SQLITE_IOERR_SHMMAP;
    if ((uint32_t)region >= file->region_count) {
        if (!extend) return SQLITE_OK;
        uint32_t const count = (uint32_t)region + 1;
        file->regions = must(realloc(file->regions, count * sizeof *file->regions));
        while (file->region_count < count)
            file->regions[file->region_count++] = must(calloc(1, (size_t)size));
    }
    *out = file->regions[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct handle *const handle = handle_of(base);
    uint8_t const mask = (uint8_t)(((1u << count) - 1) << first);
    assert(first + count <= SHM_SLOTS);
    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shm_shared &= (uint8_t)~mask;
        handle->shm_exclusive &= (uint8_t)~mask;
        return SQLITE_OK;
    }
    if (disk.is_down) return SQLITE_IOERR_SHMLOCK;
    for (const struct handle *other = handle->file->handles; other != NULL; other = other->next) {
        if (other == handle) continue;
        uint8_t const against = flags & SQLITE_SHM_EXCLUSIVE
                                    ? other->shm_shared | other->shm_exclusive
                                    : other->shm_exclusive;
        if (against & mask) return SQLITE_BUSY;
    }
    if (flags & SQLITE_SHM_EXCLUSIVE)
        handle->shm_exclusive |= mask;
    else
        handle->shm_shared |= mask;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base)
{
    (void)base; /* one thread */
}

/* The last connection that goes takes the memory with it, as the death of a process does. */
static int shm_unmap(sqlite3_file *base, int is_delete)
{
    struct handle *const handle = handle_of(base);
    struct file *const file = handle->file;
    (void)is_delete;
    handle->shm_shared = handle->shm_exclusive = 0;
    for (const struct handle *other = file->handles; other != NULL; other = other->next) {
        if (other != handle) return SQLITE_OK;
    }
    for (uint32_t i = 0; i < file->region_count; i++)
        free(file->regions[i]);
    free(file->regions);
    file->regions = NULL;
    file->region_count = 0;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* --- what SQLite asks of the disk ------------------------------------------------------------- */

/* Of the name, what stands behind a zero is SQLite's own. */
static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                    int *flags_out)
{
    (void)vfs;
    struct handle *const handle = handle_of(base);
    *handle = (struct handle){0};
    if (disk.is_down) return SQLITE_CANTOPEN;
    char temporary[NAME_BYTES];
    if (name == NULL) {
        sqlite3_snprintf(sizeof temporary, temporary, "temporary-%u", disk.temporary_count++);
        name = temporary;
    }
    struct file *file = find_file(name);
    if (file == NULL) {
        if (!(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
        for (size_t i = 0; i < FILES_MAX; i++) { /* a new file in place of a deleted one */
            if (strcmp(disk.files[i].name, name) == 0) unlink_file(&disk.files[i]);
        }
        file = make_file(name);
    }
    *handle = (struct handle){.base.pMethods = &methods,
                              .file = file,
                              .next = file->handles,
                              .is_temporary = flags & SQLITE_OPEN_DELETEONCLOSE};
    file->handles = handle;
    if (flags_out != NULL) *flags_out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int is_directory_synced)
{
    (void)vfs;
    int const result = may_go_on(DISK_DELETE, name, SQLITE_IOERR_DELETE);
    if (result != SQLITE_OK) return result;
    struct file *const file = find_file(name);
    if (file == NULL) return SQLITE_IOERR_DELETE_NOENT;
    if (is_directory_synced || !file->is_durable)
        unlink_file(file);
    else
        file->is_deleted = true;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *is_there)
{
    (void)vfs, (void)flags;
    if (disk.is_down) return SQLITE_IOERR_ACCESS;
    const struct file *const file = find_file(name);
    *is_there = file != NULL && file->size > 0; /* an empty file is none, says the contract */
    return SQLITE_OK;
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    for (int i = 0; i < size; i++)
        out[i] = (char)chance_next(&disk.chance);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds; /* one thread: nobody would do anything meanwhile */
}

static int vfs_current_time(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds)
{
    (void)vfs;
    *milliseconds = INT64_C(212000000000000); /* nothing in the ledger asks SQLite for the time */
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs, (void)size, (void)out;
    return 0;
}

void disk_open(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_BYTES - 16,
        .zName = DISK_VFS,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_pathname,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_current_time,
    };
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) abort();
}

void disk_be_default(bool is_default)
{
    sqlite3_vfs *const vfs = sqlite3_vfs_find(is_default ? DISK_VFS : "unix");
    if (sqlite3_vfs_register(vfs, 1) != SQLITE_OK) abort();
}

void disk_format(uint64_t seed)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        assert(disk.files[i].handles == NULL);
        if (disk.files[i].name[0] != 0) forget_file(&disk.files[i]);
    }
    void (*const watch)(enum disk_operation, const char *) = disk.watch;
    memset(&disk, 0, sizeof disk);
    disk.watch = watch;
    disk.chance.state = seed;
    sqlite3_randomness(0, NULL); /* SQLite draws its own numbers anew, from ours */
}
