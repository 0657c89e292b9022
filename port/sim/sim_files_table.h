/* sim_files_table.h - the parts of sim_files that need no system call: private to it */
#ifndef SIM_FILES_TABLE_H
#define SIM_FILES_TABLE_H

#include "sim_files.h"

enum { NODE_FREE, NODE_FILE, NODE_FOLDER };
enum { OP_LINK = 1, OP_UNLINK, OP_RENAME };

struct sim_file_entry *sim_entry_find(struct sim_file_entry *table, uint8_t dir, const char *name);
bool sim_entry_put(struct sim_file_entry *table, uint8_t dir, const char *name, uint8_t node);
void sim_entry_drop(struct sim_file_entry *table, uint8_t dir, const char *name);
void sim_op_apply(struct sim_file_entry *table, const struct sim_file_op *op);
void sim_node_sync(struct sim_file_node *n);
/* What is left of bytes that were not synced. */
void sim_crash_bytes(struct sim_world *w, struct sim_file_node *n, enum sim_files_crash how);
/* Does change i of a folder survive? some: a number of changes, by chance. */
bool sim_crash_keeps(struct sim_world *w, enum sim_files_crash how, uint32_t i, uint32_t some);

#endif
