/* lwacme serve-challenges: the responder of http-01 alone, for who is proved from elsewhere. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme_b64.h"
#include "http01.h"
#include "posix_channel.h"
#include "posix_sys.h"
#include "world.h"

#define SERVE_IDLE_MS 200       /* how often stdin is looked at */
#define SERVE_SCAN_MS 1000      /* how often all files of a folder are */
#define SERVE_BAD_MS  20        /* ... when one of them is no answer */
#define SERVE_MINE    (32 + 11) /* characters of a token of 32 bytes */
/* One place of the responder's is its own: it listens while it has a challenge. */
#define SERVE_MAX (HTTP01_MAX_TOKENS - 1)

#define AUTH_ROOM (ACME_MAX_TOKEN + 1 + HTTP01_THUMBPRINT + 1)

struct served {
    char token[ACME_MAX_TOKEN + 1]; /* "": the place is free */
    char auth[AUTH_ROOM];           /* "": what was given for it is no key authorization */
    bool asked, here;
};

static struct {
    struct served all[SERVE_MAX];
    struct http01 http01;
    struct acme_solver *http;
    const struct options *o;
    bool full;
    struct posix_channel posix; /* without a folder: lines from stdin */
    struct acme_channel in;
    bool ended;
    uint64_t scanned_ms;
    struct timespec changed;
} serve;

/* -- what is told -- */

static void tell(const char *event, const char *token)
{
    uint8_t room[400];
    struct acme_buf b;

    if (serve.o->json) {
        acme_buf_init(&b, room, sizeof room);
        acme_buf_text(&b, "{\"v\":1");
        acme_json_put_text(&b, "event", event);
        acme_json_put_text(&b, "token", token);
        show_json(&b);
    } else if (!serve.o->quiet) {
        printf("%s %s\n", event, token);
        fflush(stdout);
    }
}

static void warn(const char *what, const char *about)
{
    fprintf(log_to(LOG_WARN), "lwacme: warning: %s%s%s\n", about, about[0] != '\0' ? ": " : "",
            what);
}

/* -- the table -- */

static struct acme_challenge challenge_of(const struct served *s)
{
    struct acme_challenge c = {.type = ACME_CHALLENGE_HTTP01,
                               .identifier = "name.invalid",
                               .id_type = ACME_ID_DNS,
                               .token = s->token,
                               .key_authorization = s->auth,
                               .account_url = ""};

    return c;
}

static struct served *find(const char *token)
{
    for (size_t i = 0; i < SERVE_MAX; i++) {
        if (strcmp(serve.all[i].token, token) == 0)
            return &serve.all[i];
    }
    return NULL;
}

static void take_out(struct served *s)
{
    struct acme_challenge c = challenge_of(s);

    if (s->auth[0] != '\0') {
        (void)serve.http->ops->end(serve.http, &c, ACME_OUTCOME_UNKNOWN);
        tell("gone", s->token);
    }
    memset(s, 0, sizeof *s);
}

/* token's grammar is right; auth is what was given for it. */
static void put_in(const char *token, const char *auth)
{
    struct served *s = find(token), *free_one = find("");
    bool good = acme_key_authorization_ok(token, auth);
    struct acme_challenge c;

    if (s != NULL && strcmp(s->auth, good ? auth : "") == 0) {
        s->here = true;
        return;
    }
    if (s != NULL)
        take_out(s);
    s = s != NULL ? s : free_one;
    if (s == NULL) {
        if (!serve.full)
            warn("no more challenges are served at once", token);
        serve.full = true;
        return;
    }
    snprintf(s->token, sizeof s->token, "%s", token);
    snprintf(s->auth, sizeof s->auth, "%s", good ? auth : "");
    s->here = true;
    if (!good) {
        warn("this is not the key authorization of that token", token);
        return;
    }
    c = challenge_of(s);
    if (serve.http->ops->begin(serve.http, &c) == ACME_OK)
        tell("serving", token);
}

static void tell_asked(void)
{
    for (size_t i = 0; i < SERVE_MAX; i++) {
        struct served *s = &serve.all[i];
        struct acme_challenge c = challenge_of(s);

        if (s->auth[0] == '\0' || s->asked || serve.http->ops->seen(serve.http, &c) != ACME_OK)
            continue;
        s->asked = true;
        tell("served", s->token);
    }
}

/* -- from a folder: DIR/.well-known/acme-challenge/TOKEN -- */

static void read_file(int folder, const char *token)
{
    char text[AUTH_ROOM + 16]; /* an editor leaves a line end */
    struct stat st;
    ssize_t n = -1;
    int fd = openat(folder, token, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n < 0)
        return;
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
        n--;
    text[n] = '\0';
    put_in(token, strlen(text) == (size_t)n ? text : "");
}

/* Is what was read still what there is? A file that is no answer may be half written. */
static bool is_read(int folder)
{
    uint64_t since = posix_now_ms(NULL) - serve.scanned_ms;
    int64_t clock = 0;
    struct stat st;
    bool bad = false;

    for (size_t i = 0; i < SERVE_MAX; i++)
        bad = bad || (serve.all[i].token[0] != '\0' && serve.all[i].auth[0] == '\0');
    memset(&st, 0, sizeof st);
    if (fstat(folder, &st) == 0 && posix_unix_time(NULL, &clock) == ACME_OK &&
        since < (bad ? SERVE_BAD_MS : SERVE_SCAN_MS) && serve.changed.tv_sec == st.st_mtim.tv_sec &&
        serve.changed.tv_nsec == st.st_mtim.tv_nsec &&
        clock - st.st_mtim.tv_sec > 2) /* two changes may have one time */
        return true;
    serve.scanned_ms += since;
    serve.changed = st.st_mtim;
    return false;
}

static void drop_missing(void)
{
    for (size_t i = 0; i < SERVE_MAX; i++) {
        if (serve.all[i].token[0] != '\0' && !serve.all[i].here) {
            take_out(&serve.all[i]);
            serve.full = false;
        }
    }
}

static void read_folder(void)
{
    int folder = webroot_folder(serve.o->webroot, false);
    struct dirent *entry;
    DIR *dir;

    if (folder >= 0 && is_read(folder)) {
        close(folder);
        return;
    }
    for (size_t i = 0; i < SERVE_MAX; i++)
        serve.all[i].here = false;
    dir = folder >= 0 ? fdopendir(folder) : NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (acme_token_ok(acme_slice_text(entry->d_name)))
            read_file(dirfd(dir), entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    else if (folder >= 0)
        close(folder);
    drop_missing();
}

/* -- from stdin: "TOKEN.THUMBPRINT" or "TOKEN TOKEN.THUMBPRINT"; "-TOKEN" takes it out -- */

static void take_line(char *line)
{
    char token[ACME_MAX_TOKEN + 1];
    char *auth = strrchr(line, ' ');
    size_t len;

    if (line[0] == '-' && find(line + 1) != NULL && line[1] != '\0') {
        take_out(find(line + 1));
        serve.full = false;
        return;
    }
    auth = auth != NULL ? auth + 1 : line;
    len = strcspn(auth, ".");
    if (len < sizeof token) {
        memcpy(token, auth, len);
        token[len] = '\0';
    }
    if (len >= sizeof token || !acme_key_authorization_ok(token, auth) ||
        (auth != line && strncmp(line, token, len) != 0) ||
        (auth != line && (size_t)(auth - line) != len + 1))
        warn("this line has no key authorization", "");
    else
        put_in(token, auth);
}

static void read_lines(void)
{
    char line[ACME_MAX_TOKEN + 1 + AUTH_ROOM + 16];
    int n = ACME_AGAIN;

    while (!serve.ended) {
        n = serve.in.read_line(serve.in.ctx, line, sizeof line);
        if (n > 1)
            take_line(line);
        else if (n == ACME_E_SIZE)
            warn("a line is too long", "");
        else if (n == ACME_AGAIN)
            return;
        else if (n < 0)
            serve.ended = true; /* what is served goes on */
    }
}

/* -- the program -- */

static void look(void)
{
    if (serve.o->webroot != NULL)
        read_folder();
    else
        read_lines();
}

/* A challenge that nobody can ask for, so that it listens from the start: who may not, or finds the
 * port taken, is told at once. */
static int listen_now(void)
{
    static struct served mine;
    uint8_t secret[64];
    struct acme_challenge c;
    int err = posix_entropy(NULL, secret, sizeof secret);

    if (err != ACME_OK)
        return err;
    (void)acme_b64url_encode(mine.token, sizeof mine.token, secret, 32);
    memcpy(mine.auth, mine.token, SERVE_MINE);
    mine.auth[SERVE_MINE] = '.';
    (void)acme_b64url_encode(mine.auth + SERVE_MINE + 1, HTTP01_THUMBPRINT, secret + 32, 32);
    c = challenge_of(&mine);
    return serve.http->ops->begin(serve.http, &c);
}

static int open_all(const struct options *o)
{
    static struct privilege rights;
    int err = sockets_init(&world.net);

    if (err != ACME_OK) {
        show_error(&world.show, err, "no sockets: %s", strerror(errno));
        return err;
    }
    world.port.ctx = &world;
    world.port.net = &sockets_net_ops;
    world.port.now_ms = posix_now_ms;
    rights.user = o->user;
    if (privilege_drop(&rights) != 0) {
        show_error(&world.show, ACME_E_CONFIG, "%s", rights.why);
        return ACME_E_CONFIG;
    }
    if (o->webroot != NULL && access(o->webroot, R_OK | X_OK) != 0) {
        show_error(&world.show, ACME_E_SOLVER, "--webroot %.300s: %s", o->webroot, strerror(errno));
        return ACME_E_SOLVER;
    }
    serve.http = http01_init(&serve.http01, &world.port, o->http_bind, o->http_port);
    err = listen_now();
    if (err != ACME_OK)
        show_error(&world.show, err, "port %u: %s", (unsigned)o->http_port, acme_err_words(err));
    return err;
}

static void run(void)
{
    while (world_signal == 0) {
        uint32_t ms = serve.http->ops->poll(serve.http);

        tell_asked();
        ms = ms < SERVE_IDLE_MS ? ms : SERVE_IDLE_MS;
        if (ms > 0)
            sockets_wait(&world.net, ms);
        look(); /* before who has come is answered */
    }
}

int serve_run(const struct options *o)
{
    int err;

    serve.o = o;
    show_init(&world.show, o);
    world_signals(false);
    err = open_all(o);
    if (err == ACME_OK) {
        serve.in = posix_channel_init(&serve.posix, POSIX_CHANNEL_STDIO, NULL);
        (void)serve.in.open(serve.in.ctx);
        if (!o->quiet)
            fprintf(log_to(LOG_NOTE), "lwacme: port %u answers for challenges\n",
                    (unsigned)o->http_port);
        look();
        run();
    }
    if (world.port.net != NULL)
        sockets_down(&world.net);
    return err != ACME_OK            ? exit_status(err)
           : world_signal == SIGTERM ? EXIT_DONE
                                     : 128 + (int)world_signal;
}
