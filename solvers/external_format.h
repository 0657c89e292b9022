/* external_format.h - the messages of the external solver: members in their order, as JSON
 *
 * A message is a list of members. One list gives both forms: the line of JSON (separators ", " and
 * ": ", non-ASCII escaped, as Python's json.dumps writes it) and, member by member, the environment
 * of a handler.
 */
#ifndef EXTERNAL_FORMAT_H
#define EXTERNAL_FORMAT_H

#include "acme_buf.h"
#include "acme_config.h"
#include "acme_solver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a line with its NUL; http-01 with the longest name and token takes 2.6 KB. */
#ifndef EXTERNAL_LINE_MAX
#define EXTERNAL_LINE_MAX 4096
#endif
#define EXTERNAL_MEMBERS 12 /* of one message, at most */

/* Which interface is spoken: as first documented, or as of later releases. */
enum external_dialect { EXTERNAL_DIALECT_1 = 1, EXTERNAL_DIALECT_2 = 2 };

struct external_member {
    const char *name;
    const char *value; /* NULL: null */
    bool raw;          /* a number, true or false: no quotes */
};

/* Texts that were made for it lie in room, so it is not copied. */
struct external_message {
    struct external_member members[EXTERNAL_MEMBERS];
    size_t count;
    struct acme_buf texts;
    char room[3 * ACME_MAX_TOKEN + 3 * ACME_NAME_ROOM + 800];
};

/* Of tls-alpn-01: what is to be served to whom asks by acme-tls/1. Paths are "" where there are no
 * files. */
struct external_proof {
    char z_domain[ACME_NAME_ROOM]; /* asked for by SNI */
    const char *cert_path, *key_path;
    char port[6];
    char cert_pem[1088];
    char key_pem[320]; /* a secret, of that proof alone */
};

/* The files of a certificate. Times are seconds since 1970 UTC. */
struct external_files {
    const char *cert, *key, *chain, *fullchain; /* paths */
    int64_t now;                                /* when it was installed */
    int64_t since;                              /* notBefore */
};

/* Each fills *m, whose texts point into what was given, too: that must outlive it. ACME_OK,
 * ACME_E_SIZE, ACME_E_CRYPTO, or ACME_E_DECLINED: no message for that type of challenge. */

/* Only cmd: "restart", "pre-perform". */
int external_simple(struct external_message *m, const char *cmd);
/* proof: of tls-alpn-01, NULL: that type is declined. */
int external_challenge(struct external_message *m, enum external_dialect dialect,
                       const struct acme_challenge *c, const struct external_proof *proof);
int external_cleanup(struct external_message *m, enum external_dialect dialect,
                     const struct acme_challenge *c, enum acme_outcome outcome);
/* cmd: "deploy_cert", "unchanged_cert" (which has no times). */
int external_deploy(struct external_message *m, const char *cmd, const char *domain,
                    const struct external_files *files);
int external_save(struct external_message *m, const char *title);

/* What the CA looks for: the key authorization (http-01) or base64url of its SHA-256 (the others).
 * Text within m. */
int external_validation(struct external_message *m, const struct acme_challenge *c,
                        const char **out);

/* A member's value, or "". */
const char *external_value(const struct external_message *m, const char *name);

/* The line, without its end. What does not fit is out->overflow. */
void external_json(struct acme_buf *out, const struct external_message *m);
/* {"cmd": "report", ...}: one message of these lines; none: an empty list. */
void external_report(struct acme_buf *out, const char *const *lines, size_t count);
/* A JSON string of ASCII with its quotes; what is not UTF-8 becomes U+FFFD. */
void external_json_text(struct acme_buf *out, const char *text);
/* For a person: what is to be done, and what to press then. */
void external_block(struct acme_buf *out, const struct acme_challenge *c,
                    const struct external_proof *proof, struct external_message *room);

#ifdef __cplusplus
}
#endif

#endif
