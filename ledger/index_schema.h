/* index_schema: the tables of index.db, for the one that writes and for those that read.
 *
 * Inside ledger/ only: it shows SQLite's types.  ledger/README.md, "The index", explains the columns. */
#ifndef LEDGER_INDEX_SCHEMA_H
#define LEDGER_INDEX_SCHEMA_H

#include "ledger/database.h"

extern const struct database_format index_schema;

/* Statements that a writing connection begins with. */
extern const char index_schema_settings[];

#endif
