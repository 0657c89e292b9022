/* ca.h - a CA by RFC 8555, as a model inside the process, and the one that checks the agent
 *
 * It speaks HTTP over the simulated net, believes nothing that it did not verify (signature, nonce,
 * URL, kid, content type, CSR), validates http-01 by connecting to the device, issues real chains
 * and keeps rate limits. What an honest agent never does is noted in `broken`. How it misbehaves is
 * in evil.h.
 */
#ifndef CA_H
#define CA_H

#include "acme_buf.h"
#include "acme_crypto.h"
#include "acme_objects.h"
#include "evil.h"
#include "sim_net.h"

#define CA_HOST      "ca.test"
#define CA_BASE      "https://" CA_HOST
#define CA_DIRECTORY CA_BASE "/directory"
#define CA_NODE      1
#define CA_PLACES    3 /* ca.test, cb.test, cs.test: machines 1, 2, 3 */
#define CA_ORDERS    1024
#define CA_ACCOUNTS  256
#define CA_NAMES     3
#define CA_CONNS     8
#define CA_PROBES    12
#define CA_IN        12288
#define CA_BODY      32768
#define CA_NONCES    8192
#define CA_LEAF      1200
#define CA_FORMER    8

struct ca_account {
    struct acme_public key;
    uint64_t number; /* random, in its URL */
    bool gone;
    bool dead;        /* deactivated (7.3.6) */
    char contact[64]; /* without "mailto:" */
};

/* A key that an account had before. */
struct ca_former {
    uint32_t account;
    bool late; /* the change had been on its way for long: the device knows nothing of it */
    struct acme_public key;
};

struct ca_authz {
    char name[64]; /* without "*." */
    bool wildcard;
    uint8_t status;    /* enum acme_status */
    uint8_t challenge; /* its status */
    bool failed_quietly, begun;
    char token[44];
    uint8_t type;          /* that was asked for, of: */
    uint8_t offers, blind; /* (bits) that it has; that the CA will not see */
    uint64_t validate_at;  /* 0: not asked for */
    uint8_t probes_open, probes_good, probes_bad;
};

struct ca_order {
    uint64_t number;
    uint32_t account;
    uint8_t status;
    uint8_t count;
    struct ca_authz authz[CA_NAMES];
    int64_t expires;
    uint64_t processing_until; /* 0: at once */
    bool gone, null_authz;
    bool late; /* issued by a finalize that had been on its way for long */
    unsigned finalizes;
    uint8_t spki_sum[ACME_SHA256_SIZE];
    int64_t revoked_at; /* 0: not */
    uint8_t reason;
    uint16_t leaf_len; /* 0: not issued */
    uint8_t leaf[CA_LEAF];
    int64_t not_before, not_after;
    uint64_t replaces; /* number of the order whose certificate it replaces; 0: none */
    bool replaced;     /* ... its own has been */
};

struct ca_conn {
    acme_sock sock; /* ACME_NO_SOCK: free */
    bool closing;   /* when all is out */
    bool stray;     /* a second reply was sent behind one: a late one is an answer like any other */
    uint64_t since;
    uint64_t next_out; /* drip: not before */
    uint32_t drip_ms;
    bool up, mute;           /* the session is made; it will never be */
    bool no_notify, records; /* it ends without a word; it comes in small pieces */
    uint32_t budget;         /* bytes until it is cut; 0: not */
    size_t piece;            /* of what is being sent */
    void *stream;            /* of ca_stream_tls.c */
    size_t in_len, out_len, out_sent;
    uint8_t in[CA_IN];
    uint8_t out[CA_BODY + 16384];
};

struct ca_probe {
    uint8_t kind; /* enum in ca_va.c */
    acme_sock sock;
    uint32_t order;
    uint8_t authz;
    uint64_t deadline, next;
    size_t sent, len;
    char request[400];
    uint8_t in[1024];
};

/* A bucket that fills again by and by (GCRA). */
struct ca_bucket {
    int64_t full_at;
};

/* The limits of a CA like Let's Encrypt, and who is exempt: how often each was reached, over all
 * seeds of the process. */
enum ca_limit {
    CA_LIMIT_ACCOUNTS,     /* new ones of one address: 10, one more each 18 minutes */
    CA_LIMIT_ORDERS,       /* of one account: 300, one more each 36 s */
    CA_LIMIT_CERTIFICATES, /* for one set of names: 5, one more each 34 h */
    CA_LIMIT_FAILURES,     /* of one name: 5, one more each 12 minutes */
    CA_LIMIT_EXEMPT,       /* an order that names its predecessor (RFC 9773 5) */
    CA_LIMITS
};
extern uint64_t ca_limits_reached[CA_LIMITS];

/* One request, taken apart and verified. */
struct ca_request {
    char method[8];
    char path[1100];
    struct acme_slice body;
    bool head;
    struct ca_account *account; /* of a kid */
    struct acme_public key;     /* of a jwk */
    bool has_jwk;
    const struct acme_json *payload; /* NULL: empty (POST-as-GET) */
};

struct ca_reply {
    int status;
    const char *type; /* of the content */
    char location[200];
    char more[1400]; /* other field lines */
    bool no_nonce;
    uint32_t retry_after; /* 0: none */
    bool retry_date;
    bool acted; /* something has changed by this request */
    bool lost;  /* the answer is */
    struct acme_buf body;
};

/* Has the device a TXT record with this token's proof? Only in worlds without http-01. */
typedef bool (*ca_txt_fn)(void *ctx, const char *name, const char *token, const char *thumbprint);

struct ca {
    struct sim_world *world;
    struct sim_net *net;
    const char *base; /* of its URLs */
    uint8_t node;
    struct evil evil;
    acme_sock door;
    ca_txt_fn txt; /* NULL: http-01 */
    void *txt_ctx;
    /* The types for a name of a new order, and those that will not be seen; NULL: one of them. */
    uint8_t (*offers)(void *ctx, uint8_t *blind);
    void *offers_ctx;
    void (*before)(void *ctx, struct ca *ca, const char *what, const struct ca_request *q,
                   const struct ca_order *o);
    void *before_ctx;

    int64_t lifetime_s, backdate_s;
    uint32_t validation_ms, issuance_ms;
    bool limits;    /* Let's Encrypt's */
    bool ari;       /* it has renewal information */
    bool eab;       /* a new account needs a binding */
    bool new_terms; /* nobody has agreed to yet: orders are refused (7.3.3) */
    bool jobs;      /* its directory has keyChange and revokeCert */
    uint8_t alternates;
    const char *profile;    /* that it offers; NULL: it has no profiles */
    struct acme_slice bind; /* the binding it has given out, packed as the device has it */
    bool profile_refused;   /* once */
    bool profile_named;     /* by its last directory */
    bool ari_named;         /* the same for renewal information */
    unsigned questions;     /* for renewal windows */
    uint32_t window_retry;  /* what its last answer asked for; 0: nothing */

    uint32_t nonces, nonces_from; /* issued; all below nonces_from are forgotten */
    uint8_t nonce_used[CA_NONCES / 8];
    uint64_t path; /* in the URLs of the directory */

    struct ca_account accounts[CA_ACCOUNTS];
    struct ca_order orders[CA_ORDERS];
    uint32_t accounts_count, orders_count;
    struct ca_former former[CA_FORMER]; /* the last ones */
    bool change_asked;                  /* a keyChange has come */
    unsigned changes, updates, deactivations, revocations;
    uint32_t validations; /* asked for, and not begun */
    struct ca_bucket order_bucket, cert_bucket, account_bucket, failure_bucket[CA_NAMES];

    const char *broken; /* what the agent did against the protocol; NULL: nothing so far */
    const char *broken_detail;
    unsigned requests, new_accounts, new_orders, issued, downloads, failures, finalizes;
    uint8_t failed_name;  /* which of its order's failed last */
    unsigned asked_again; /* newOrders refused for `replaces` or a profile: once more without */
    bool ghost;           /* the present request is from before a power cut */
    char last_path[64];
    int last_status;
    int64_t last_from; /* what its Retry-After counts from; 0: from when it is read */
    uint32_t last_retry_after;
    uint32_t retry_longest;
    int64_t retry_spoken; /* the latest moment that a Retry-After has named */
    struct ca_conn conns[CA_CONNS];
    struct ca_probe probes[CA_PROBES];
};

/* The CA's own keys and certificates: once for the process. Needs the crypto hooks. */
void ca_pki_init(void);

void ca_init(struct ca *ca, struct sim_world *w, struct sim_net *net);
/* place 0: as ca_init; 1, 2: other CAs of the same world. The net must know their names. */
void ca_init_at(struct ca *ca, struct sim_world *w, struct sim_net *net, unsigned place);
extern const char *const ca_bases[CA_PLACES];
void ca_poll(struct ca *ca);
uint64_t ca_next(const struct ca *ca); /* when it has something to do by itself */
void ca_calm(struct ca *ca);           /* no misbehaviour from here on */

/* -- private to ca*.c -- */

int ca_break(struct ca *ca, const char *what); /* notes it, answers -1 */

/* ca_jws.c: the request's body as a JWS. 0, or the status of a problem in reply. */
int ca_verify(struct ca *ca, const char *url, struct ca_request *q, struct ca_reply *r,
              bool new_account);
void ca_nonce(struct ca *ca, char out[24]);
int ca_problem(struct ca_reply *r, int status, const char *type, const char *detail);
bool ca_spki_equal(struct acme_slice spki, const struct acme_public *key);
/* The account of a kid, or NULL. part: protected, payload, signature. */
struct ca_account *ca_account_at(struct ca *ca, const char *kid);
bool ca_signed(const struct acme_public *key, const char *alg, const char *const part[3]);
void ca_spki_sum(const struct acme_public *key, uint8_t sum[ACME_SHA256_SIZE]);
/* A JWK (RFC 7517, 7518 6); an HMAC (RFC 2104). */
bool ca_jwk(const struct acme_json *jwk, struct acme_public *out);
void ca_hmac(size_t size, struct acme_slice key, struct acme_slice data, uint8_t *out);
void ca_thumbprint(const struct acme_public *key, char out[44]);

/* ca_routes.c */
void ca_answer(struct ca *ca, struct ca_request *q, struct ca_reply *r);
uint32_t ca_bucket_wait(const struct ca *ca, const struct ca_bucket *b, int64_t burst,
                        int64_t every_s);
uint32_t ca_bucket_take(struct ca *ca, struct ca_bucket *b, int64_t burst, int64_t every_s);
void ca_limited(struct ca *ca, struct ca_reply *r, uint32_t seconds, bool date);
uint32_t ca_some_time(struct ca *ca); /* a Retry-After by chance */

/* ca_order.c */
void ca_order_settle(struct ca *ca, struct ca_order *o);
void ca_put_order(struct ca *ca, struct ca_order *o, struct ca_reply *r);
void ca_new_order(struct ca *ca, const struct ca_request *q, struct ca_reply *r);
void ca_finalize(struct ca *ca, struct ca_order *o, const struct ca_request *q, struct ca_reply *r);
void ca_certificate(struct ca *ca, struct ca_order *o, unsigned which, struct ca_reply *r);

/* ca_ari.c: renewal information, bindings, profiles. false: refused, the problem is in r. */
/* Two thirds of the life, a day more or less (a tenth of a short life). */
void ca_window_honest(const struct ca_order *o, int64_t *start, int64_t *end);
void ca_window(struct ca *ca, const struct ca_request *q, const char *id, struct ca_reply *r);
bool ca_replaces(struct ca *ca, const struct ca_request *q, struct ca_order *o, struct ca_reply *r);
bool ca_profile_good(struct ca *ca, const struct ca_request *q, struct ca_reply *r);
bool ca_bound(struct ca *ca, const char *url, const struct ca_request *q, struct ca_reply *r);
void ca_put_meta(struct ca *ca, struct acme_buf *b);

/* ca_jobs.c: accounts and certificates in later life. */
void ca_put_jobs(struct ca *ca, const char *base, struct acme_buf *b);
void ca_account_url(const struct ca *ca, const struct ca_account *account, char out[100]);
/* newAccount with onlyReturnExisting; account NULL: there is none. false: the answer is in r. */
bool ca_find(struct ca *ca, const struct ca_account *account, struct ca_reply *r);
void ca_find_spoil(struct ca *ca, struct ca_reply *r);
void ca_account_dead(struct ca *ca, struct ca_reply *r);
void ca_put_account(struct ca *ca, const struct ca_account *account, struct ca_reply *r);
/* true: rest is one of its resources, and r the answer. */
bool ca_job(struct ca *ca, const char *rest, const char *url, const struct ca_request *q,
            struct ca_reply *r);
void ca_revoke_all(struct ca *ca); /* a mass revocation */
/* newOrder while there are terms that nobody has agreed to: true, and the problem is in r. */
bool ca_terms(struct ca *ca, struct ca_reply *r);

/* ca_directory.c */
void ca_directory(struct ca *ca, const struct ca_request *q, struct ca_reply *r);
void ca_put_member(struct acme_buf *b, const char *name, const char *url);

/* ca_authz.c */
void ca_put_authz(struct ca *ca, struct ca_order *o, unsigned which, struct ca_reply *r);
uint8_t ca_respond_type(const struct ca_request *q); /* by the challenge's URL; 0: none */
void ca_respond(struct ca *ca, struct ca_order *o, unsigned which, const struct ca_request *q,
                struct ca_reply *r);

/* ca_http.c: an answer that is given before anything is done; and the reply as bytes, right or
 * wrong, into the connection. */
bool ca_refuse_first(struct ca *ca, struct ca_reply *r);
void ca_write(struct ca *ca, struct ca_conn *c, const struct ca_request *q, struct ca_reply *r);

/* ca_cert.c */
/* NULL when the CSR is right for the order, or what is wrong. */
const char *ca_csr_check(struct ca *ca, const struct ca_order *o, struct acme_slice csr,
                         struct acme_slice *spki);
void ca_issue(struct ca *ca, struct ca_order *o, struct acme_slice spki);
/* which: 0 the default, then the alternates. */
void ca_chain(struct ca *ca, const struct ca_order *o, unsigned which, struct acme_buf *out);
/* The name in ARI of a certificate with this serial number (RFC 9773 4.1). */
void ca_cert_id(uint64_t serial, char *out, size_t room);
/* Is der the CA's intermediate or root? */
bool ca_is_ours(struct acme_slice der);

/* ca_stream_plain.c or ca_stream_tls.c, by the link: what lies between HTTP and the socket. As in
 * struct acme_net; end says goodbye if it should, and leaves the socket. */
void ca_stream_open(struct ca *ca, struct ca_conn *c);
int ca_stream_send(struct ca *ca, struct ca_conn *c, const void *data, size_t len);
int ca_stream_recv(struct ca *ca, struct ca_conn *c, void *buf, size_t cap);
void ca_stream_end(struct ca *ca, struct ca_conn *c, bool goodbye);
struct acme_slice ca_stream_anchor(void); /* what the device trusts */
bool ca_stream_is_tls(void);

/* ca_cert.c: what the TLS server shows (PEM; the size, 0 if it does not fit) and its key. */
enum ca_server {
    CA_SERVER_GOOD,
    CA_SERVER_UNKNOWN,
    CA_SERVER_NAME,
    CA_SERVER_EXPIRED,
    CA_SERVER_FUTURE,
    CA_SERVERS
};
size_t ca_server_chain(enum ca_server which, uint8_t *room, size_t size);
const struct acme_key *ca_server_key(void);
struct acme_slice ca_root(void);

/* ca_va.c */
void ca_va_start(struct ca *ca, uint32_t order, uint8_t authz);
void ca_va_poll(struct ca *ca);
uint64_t ca_va_next(const struct ca *ca);

#endif
