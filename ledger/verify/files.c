/* Names as ledger/README.md gives them; SQLite keeps -wal, -shm and -journal files beside its own. */
#include "ledger/verify/files.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 5000

/* What is no segment and yet the ledger's: what can be rebuilt, what is asked for by its name, what
 * holds nothing, what belongs to SQLite; and folders' own. */
static bool is_passed_over(const char *name)
{
    static const char *const patterns[] = {
        "index*",   "snapshot-[12].bin", "reserve", "marks.db", "signatures.db", "lock", "*.db-wal",
        "*.db-shm", "*.db-journal",      ".",       "..",       "lost+found"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        if (fnmatch(patterns[i], name, 0) == 0) return true;
    }
    return false;
}

/* The number of a segment's file; 0: the name is none. */
static uint32_t segment_number(const char *name)
{
    if (fnmatch("segment-[0-9][0-9][0-9][0-9][0-9][0-9].db", name, 0) != 0) return 0;
    return (uint32_t)strtoul(name + strlen("segment-"), NULL, 10);
}

static void note(struct files *files, const char *name)
{
    size_t const used = strlen(files->notes);
    (void)snprintf(files->notes + used, sizeof files->notes - used, "%s%s", used ? ", " : "", name);
}

bool files_list(const char *directory, struct files *files)
{
    *files = (struct files){0};
    DIR *opened = opendir(directory);
    if (opened == NULL) return false;
    uint32_t count = 0;
    for (const struct dirent *file; (file = readdir(opened)) != NULL;) {
        uint32_t const number = segment_number(file->d_name);
        if (number > 0) {
            count++;
            if (number > files->segments) files->segments = number;
        } else if (!is_passed_over(file->d_name)) {
            note(files, file->d_name);
        }
    }
    (void)closedir(opened);
    for (uint32_t number = 1; count < files->segments && files->missing[0] == 0; number++) {
        char path[FILES_PATH_BYTES], name[FILES_NAME_BYTES];
        (void)snprintf(name, sizeof name, "segment-%06u.db", number);
        (void)snprintf(path, sizeof path, "%s/%s", directory, name);
        if (access(path, F_OK) != 0) (void)snprintf(files->missing, sizeof name, "%s", name);
    }
    return true;
}

/* file:PATH?immutable=1, every byte of the path that could mean something else escaped. */
static void immutable_uri(const char *path, char *uri, size_t size)
{
    size_t used = (size_t)snprintf(uri, size, "file:");
    for (; *path && used + 20 < size; path++) {
        if (strchr("%?#", *path) != NULL)
            used += (size_t)snprintf(uri + used, size - used, "%%%02X", (unsigned)*path);
        else
            uri[used++] = *path;
    }
    (void)snprintf(uri + used, size - used, "?immutable=1");
}

static sqlite3 *open_as(const char *name, int flags, int *result)
{
    sqlite3 *db = NULL;
    *result = sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | flags, NULL);
    if (*result == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, BUSY_MS);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        *result = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    }
    if (*result == SQLITE_OK) return db;
    (void)sqlite3_close(db);
    return NULL;
}

bool files_exist(const char *directory, const char *name)
{
    char path[FILES_PATH_BYTES];
    return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

sqlite3 *files_open(const char *directory, const char *name, const char **words)
{
    char path[FILES_PATH_BYTES], uri[2 * FILES_PATH_BYTES], log[FILES_PATH_BYTES + 8];
    struct stat file, beside;
    int result = SQLITE_OK;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) {
        *words = "its path is too long";
        return NULL;
    }
    (void)snprintf(log, sizeof log, "%s-wal", path);
    immutable_uri(path, uri, sizeof uri);
    bool const has_log = stat(log, &beside) == 0 && beside.st_size > 0;
    bool const is_sealed = stat(path, &file) == 0 && (file.st_mode & 0222) == 0;

    /* Nobody writes to a sealed file any more; SQLite would make -wal and -shm beside it. */
    sqlite3 *db = NULL;
    if (is_sealed && !has_log) db = open_as(uri, SQLITE_OPEN_URI, &result);
    if (db == NULL) db = open_as(path, 0, &result);
    /* On a medium that cannot be written SQLite cannot share the file with a writer; there is none,
     * and where no write-ahead log lies beside it the file is whole. */
    if (db == NULL && access(directory, W_OK) != 0 && access(path, R_OK) == 0 && !has_log)
        db = open_as(uri, SQLITE_OPEN_URI, &result);
    if (db == NULL) *words = sqlite3_errstr(result);
    return db;
}
