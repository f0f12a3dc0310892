/* files: which files a ledger's directory holds, and what each is by its name. */
#ifndef LEDGER_VERIFY_FILES_H
#define LEDGER_VERIFY_FILES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define FILES_PATH_BYTES 4096
#define FILES_NAME_BYTES 32
#define FILES_NOTES_BYTES 240

struct files {
    uint32_t segments;              /* segment-000001.db to this number; 0: there is none */
    char missing[FILES_NAME_BYTES]; /* a segment before the last that is not there; "": none */
    char notes[FILES_NOTES_BYTES];  /* names that are none of the ledger's; "": none */
};

/* False: the directory cannot be read, errno says why. */
bool files_list(const char *directory, struct files *files);

/* True when there is a file DIRECTORY/NAME. */
bool files_exist(const char *directory, const char *name);

/* Opens DIRECTORY/NAME for reading only, without checkpoints.  A sealed segment, and any file on a
 * medium that cannot be written, is opened as it is: nothing is made beside it.
 * NULL: it cannot be opened, *words say why. */
sqlite3 *files_open(const char *directory, const char *name, const char **words);

#endif
