/* posix_channel.h - line channels of a POSIX system: the standard streams, a FIFO, a socket
 *
 * struct acme_channel over descriptors. Nothing waits: a descriptor that is shared with others, as
 * standard streams are, keeps its flags and is asked before each read and write instead.
 */
#ifndef POSIX_CHANNEL_H
#define POSIX_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "acme_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a line with its end, each way. A longer one that is read is ACME_E_SIZE and skipped; one
 * that is written is refused. */
#define POSIX_CHANNEL_LINE 8192

enum posix_channel_kind {
    POSIX_CHANNEL_STDIO, /* lines go to stdout and come from stdin */
    POSIX_CHANNEL_FIFO,  /* ... to the FIFO `path`, and from the FIFO `path`.in */
    POSIX_CHANNEL_UNIX   /* ... both over a connection to the stream socket `path` */
};

/* Private. */
struct posix_channel {
    uint8_t kind;
    const char *path;
    int in, out; /* -1: none */
    bool skips;  /* the rest of a line that was too long */
    bool ended;  /* no more input */
    uint64_t since_ms;
    size_t in_len, out_len;
    char in_buf[POSIX_CHANNEL_LINE];
    char out_buf[POSIX_CHANNEL_LINE];
};

#define POSIX_CHANNEL_OPEN_MS 30000 /* how long a FIFO's other side may take to come */

/* Fills *c and answers the channel. path: of a FIFO or a socket, must outlive it. open answers
 * ACME_AGAIN until the other side of a FIFO has come; ACME_E_TIMEOUT; ACME_E_NET (there is no such
 * thing, or none of that kind, or nobody listens: errno). Descriptors are not inherited by
 * programs. A line may hold line ends: it is then a text for people. SIGPIPE must be ignored. */
struct acme_channel posix_channel_init(struct posix_channel *c, enum posix_channel_kind kind,
                                       const char *path);

/* What write_line took and could not be written yet: ACME_OK (nothing is left), ACME_AGAIN,
 * ACME_E_CLOSED, ACME_E_NET. write_line and read_line do the same by themselves. */
int posix_channel_flush(struct posix_channel *c);

#ifdef __cplusplus
}
#endif

#endif
