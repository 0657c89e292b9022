/* storage_posix.c - the file slots of port/posix, their system calls turned to sim_files
 *
 * The source is the one that ships. What is compiled here comes before the library's.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim_files.h"

#undef openat
#undef read
#undef pread
#undef fstat
#undef fstatat
#define openat    sim_openat
#define close     sim_close
#define read      sim_read
#define pread     sim_pread
#define write     sim_write
#define fsync     sim_fsync
#define syncfs    sim_syncfs
#define fstat     sim_fstat
#define fstatat   sim_fstatat
#define fchmod    sim_fchmod
#define ftruncate sim_ftruncate
#define flock     sim_flock
#define mkdirat   sim_mkdirat
#define unlinkat  sim_unlinkat
#define renameat  sim_renameat
/* It is written into the lock: with as many digits in every process. */
#define getpid() ((pid_t)4711)

#include "posix_slots.c"
