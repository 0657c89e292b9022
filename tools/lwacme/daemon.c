/* lwacme run, lwacme renew: all certificates of a configuration file, in one agent. */
#include "daemon.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "posix_sys.h"

#define DAEMON_HOUR_MS    (3600 * 1000u)
#define DAEMON_METRICS_MS 10000 /* between two files at the least */
#define DAEMON_STOP_MS    4500  /* after SIGTERM; service managers wait for some seconds */
#define DAEMON_SWITCH_MS  10000 /* after SIGHUP, until who is loaded has to stop */
#define DAEMON_CONNECT_MS 10000
#define DAEMON_JUMP_S     30 /* a wall clock that was set, and does not only drift */

/* It has no streams, and has given up the right to start programs. */
#define NO_EXTERNAL                                                                                \
    "a daemon asks by external = unix=PATH alone; for the other ways call `lwacme renew` from a "  \
    "timer"

static struct daemon daemon_state;

static struct {
    uint64_t metrics_ms;  /* when the file was written */
    uint64_t watchdog_ms; /* when the service manager was told that we live */
    uint64_t switch_ms;   /* who is loaded has to stop then, for the new configuration */
    int64_t clock_offset; /* of the wall clock to the other one; 0: it is not set */
    struct conf next;     /* read, and about to be put in force */
    bool switching;
    char status[400];
} loop;

static uint32_t shorter(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* -- what others are told -- */

static void tell_metrics(struct daemon *d, uint64_t now)
{
    char why[400] = "";
    bool due = loop.metrics_ms == 0 || now - loop.metrics_ms >= DAEMON_HOUR_MS ||
               (d->news && now - loop.metrics_ms >= DAEMON_METRICS_MS);

    if (d->own.metrics_file == NULL || !due || d->once)
        return;
    loop.metrics_ms = now;
    if (metrics_write(&d->conf, d->own.metrics_file, why, sizeof why) != 0)
        tell_error("the metrics: %s", why);
}

static void tell_status(struct daemon *d)
{
    char text[sizeof loop.status];
    size_t bad = 0, open = 0;

    for (size_t i = 0; i < d->conf.count; i++) {
        bad += d->turns[i].failures > 0 ||
               (d->turns[i].outcome != ACME_OK && d->turns[i].outcome != ACME_AGAIN);
        open += d->turns[i].aside.order;
    }
    snprintf(text, sizeof text,
             "STATUS=%lu certificates, %lu with an order open, %lu in trouble%s%s",
             (unsigned long)d->conf.count, (unsigned long)open, (unsigned long)bad,
             d->loaded != DAEMON_NOBODY ? "; at work: " : "",
             d->loaded != DAEMON_NOBODY ? d->options.cert_name : "");
    if (strcmp(text, loop.status) == 0)
        return;
    memcpy(loop.status, text, sizeof text);
    notify_state("%s", text);
}

static uint32_t tell_others(struct daemon *d, uint64_t now)
{
    uint32_t every = notify_watchdog_ms();
    uint32_t left = notify_watchdog_left(every, loop.watchdog_ms, now);
    bool news = d->news;

    tell_metrics(d, now);
    tell_status(d);
    if (loop.metrics_ms == now || d->own.metrics_file == NULL)
        d->news = false;
    if (left == 0) {
        loop.watchdog_ms = now;
        notify_state("WATCHDOG=1");
        left = every;
    }
    return shorter(left, news && d->news ? DAEMON_METRICS_MS : DAEMON_HOUR_MS);
}

/* -- a new configuration -- */

static void switch_end(const char *state)
{
    tell_about(daemon_state.loaded != DAEMON_NOBODY ? daemon_state.options.cert_name : NULL);
    loop.switching = false;
    daemon_state.leave = false;
    notify_state("%s", state);
}

static void switch_begin(struct daemon *d, uint64_t now)
{
    char why[400] = "";

    world_hangup = 0;
    notify_state("RELOADING=1");
    tell_about(NULL);
    if (conf_open(&loop.next, d->conf.path, d->base) != EXIT_DONE) {
        tell_error("%s: the configuration before it stays in force", d->conf.path);
        switch_end("READY=1");
        return;
    }
    conf_options(&loop.next, loop.next.count, &d->other);
    if (frame_cannot_ask(&loop.next)) {
        tell_error("%s: " NO_EXTERNAL "; the configuration before it stays in force", d->conf.path);
        conf_close(&loop.next);
        switch_end("READY=1");
        return;
    }
    if (!frame_same(&loop.next, &d->own, &d->other, why, sizeof why)) {
        tell_error("%s: %s needs a restart; the configuration before it stays in force",
                   d->conf.path, why);
        conf_close(&loop.next);
        switch_end("READY=1");
        return;
    }
    tell_about(d->loaded != DAEMON_NOBODY ? d->options.cert_name : NULL);
    loop.switching = d->leave = true;
    loop.switch_ms = now + DAEMON_SWITCH_MS;
}

static struct turn *make_turns(const struct conf *c, struct options *room)
{
    struct turn *turns = calloc(c->count + 1, sizeof *turns);
    uint8_t digest[ACME_SHA256_SIZE];

    for (size_t i = 0; turns != NULL && i < c->count; i++) {
        (void)conf_options(c, i, room);
        if (acme_sha256(room->cert_name, strlen(room->cert_name), digest) != ACME_OK) {
            free(turns);
            return NULL;
        }
        memcpy(turns[i].id, digest, sizeof turns[i].id);
        turns[i].outcome = ACME_AGAIN;
    }
    return turns;
}

static size_t find_turn(const struct turn *turns, size_t count, const struct turn *like)
{
    size_t i = 0;

    while (i < count && memcmp(turns[i].id, like->id, sizeof like->id) != 0)
        i++;
    return i < count ? i : DAEMON_NOBODY;
}

/* Nobody is loaded. Who is in both files goes on where it was; all are looked at anew. */
static void switch_now(struct daemon *d, uint64_t now)
{
    struct turn *turns = make_turns(&loop.next, &d->other);
    size_t count = d->conf.count, kept = 0, of = DAEMON_NOBODY;

    if (turns == NULL) {
        tell_error("no memory for %s: the configuration before it stays in force", d->conf.path);
        conf_close(&loop.next);
        switch_end("READY=1");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = find_turn(turns, loop.next.count, &d->turns[i]);
        if (at == DAEMON_NOBODY) {
            turn_stop(d, i, now + DAEMON_SWITCH_MS);
            continue;
        }
        turns[at] = d->turns[i];
        turns[at].wake_ms = 0;
        turns[at].failures = 0;
        if (turns[at].hook_ms != 0) /* it may be the hook that was mended */
            turns[at].hook_ms = now;
        turns[at].hook_tries = 0;
        of = d->hook_runs && d->hook_of == i ? at : of;
        kept++;
    }
    tell(LOG_NOTE,
         "configuration read anew: %lu certificates, of which %lu are new; %lu were taken out",
         (unsigned long)loop.next.count, (unsigned long)(loop.next.count - kept),
         (unsigned long)(count - kept));
    d->hook_of = of;
    free(d->turns);
    d->turns = turns;
    conf_close(&d->conf);
    d->conf = loop.next;
    conf_options(&d->conf, d->conf.count, &d->own);
    runner_reload();
    d->news = true;
    switch_end("READY=1");
}

static void switch_poll(struct daemon *d, uint64_t now)
{
    if (d->loaded == DAEMON_NOBODY)
        switch_now(d, now);
    else if (now >= loop.switch_ms)
        turn_stop(d, d->loaded, now + DAEMON_SWITCH_MS);
}

/* -- the loop -- */

/* Whoever rests has judged its dates by the wall clock: when that was set, all judge anew. */
static void watch_clock(struct daemon *d, uint64_t now)
{
    int64_t wall = 0, offset;

    if (posix_unix_time(NULL, &wall) != ACME_OK)
        return;
    offset = wall - (int64_t)(now / 1000);
    if (loop.clock_offset != 0 && llabs(offset - loop.clock_offset) <= DAEMON_JUMP_S)
        return;
    for (size_t i = 0; loop.clock_offset != 0 && i < d->conf.count; i++) {
        if (!d->turns[i].aside.order)
            d->turns[i].wake_ms = 0;
    }
    loop.clock_offset = offset;
}

/* Whose turn it is, moved on: for how long nothing is needed. */
static uint32_t take_turn(struct daemon *d, uint64_t now)
{
    size_t next;

    if (d->loaded != DAEMON_NOBODY)
        return turn_poll(d);
    next = turn_next(d);
    if (next == DAEMON_NOBODY)
        return DAEMON_HOUR_MS;
    if (d->turns[next].wake_ms > now)
        return d->turns[next].wake_ms - now < DAEMON_HOUR_MS
                   ? (uint32_t)(d->turns[next].wake_ms - now)
                   : DAEMON_HOUR_MS;
    turn_begin(d, next);
    return 0;
}

/* Wakes the loop: the only child of a daemon is its hook runner. */
static void on_child(int number)
{
    (void)number;
    sockets_wake(&world.net);
}

static void watch_child(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_child;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    sigfillset(&action.sa_mask);
    (void)sigaction(SIGCHLD, &action, NULL);
}

/* Hooks need rights that were given up, so only whoever started us can mend that. */
static void watch_runner(struct daemon *d)
{
    char how[100];

    if (!runner_ended(how, sizeof how))
        return;
    d->broken = true;
    tell_about(NULL);
    tell_error("the hook runner has ended (%s), and only a new start can give it its rights back: "
               "lwacme ends too; certificates and open orders are kept, and hooks that are owed "
               "run after the start",
               how);
}

static void loop_once(struct daemon *d)
{
    uint64_t now = posix_now_ms(NULL);
    uint32_t sleep_ms = DAEMON_HOUR_MS;

    watch_clock(d, now);
    watch_runner(d);
    if (d->broken)
        return;
    if (world_hangup && !d->once && !loop.switching)
        switch_begin(d, now);
    if (loop.switching)
        switch_poll(d, now);
    sleep_ms = shorter(sleep_ms, take_turn(d, now));
    if (loop.switching)
        sleep_ms = shorter(sleep_ms, d->loaded == DAEMON_NOBODY ? 0 : 100);
    sleep_ms = shorter(sleep_ms, deploy_poll(d));
    /* Challenges of whoever is aside are answered too. */
    sleep_ms = shorter(sleep_ms, solve_serve(&world.solve));
    sleep_ms = shorter(sleep_ms, tell_others(d, now));
    if (sleep_ms > 0)
        sockets_wait(&world.net, sleep_ms);
}

static bool loop_ends(const struct daemon *d)
{
    /* It is not taken back to 0: a signal to end that comes just then would be lost. */
    int number = world_signal == SIGHUP && !d->once ? 0 : (int)world_signal;

    return number != 0 || d->broken ||
           (d->once && d->loaded == DAEMON_NOBODY && turn_next(d) == DAEMON_NOBODY &&
            !deploy_busy(d));
}

/* Challenges are cleaned up, orders stay open, and a hook that cannot end in time stays owed. */
static void loop_stop(struct daemon *d)
{
    uint64_t by = posix_now_ms(NULL) + DAEMON_STOP_MS;

    notify_state("STOPPING=1");
    if (d->loaded != DAEMON_NOBODY)
        turn_stop(d, d->loaded, by - DAEMON_STOP_MS / 3);
    for (size_t i = 0; i < d->conf.count && posix_now_ms(NULL) < by; i++)
        turn_stop(d, i, by);
    deploy_stop(d, by);
    runner_stop();
}

/* -- the frame -- */

static int begin(struct daemon *d, const struct options *o)
{
    int err;

    memset(d, 0, sizeof *d);
    d->base = o;
    d->once = o->command == COMMAND_RENEW;
    d->loaded = d->hook_of = DAEMON_NOBODY;
    err = conf_open(&d->conf, o->config_file, o);
    if (err != EXIT_DONE)
        return err;
    (void)conf_options(&d->conf, d->conf.count, &d->own);
    show_init(&world.show, &d->own);
    world.show.live = false;
    log_open(d->own.log_syslog);
    d->turns = make_turns(&d->conf, &d->other);
    err = d->turns != NULL ? EXIT_DONE : EXIT_LOCAL;
    if (err != EXIT_DONE)
        tell_error("no memory");
    world.solve.outside.daemon = !d->once;
    if (err == EXIT_DONE && !d->once && frame_cannot_ask(&d->conf)) {
        tell_error(NO_EXTERNAL);
        err = EXIT_USAGE;
    }
    if (err == EXIT_DONE && !d->once)
        err = frame_enter(d);
    if (err != EXIT_DONE) {
        free(d->turns);
        conf_close(&d->conf);
    }
    return err;
}

/* A run that has brought a certificate is over, whatever comes next: its files are put into place,
 * and others have their turn. */
static void on_event(void *ctx, const struct acme_event *event)
{
    if (event->type == ACME_EVENT_CERTIFICATE)
        world.config.only_when_asked = true;
    outside_event(&world.solve.outside, event);
    tell_event(ctx, event);
}

/* These outlive the text of the configuration: they are in use until the end. */
static int open_all(const struct options *own, bool once)
{
    static struct options kept;
    int err;

    kept = *own;
    kept.state_dir = strdup(own->state_dir);
    kept.http_bind = own->http_bind != NULL ? strdup(own->http_bind) : NULL;
    if (kept.state_dir == NULL || (kept.http_bind == NULL && own->http_bind != NULL)) {
        tell_error("no memory");
        return ACME_E_SLOT;
    }
    err = world_open(&kept, on_event);
    if (!once) /* the others wait meanwhile */
        world.net.connect_ms = DAEMON_CONNECT_MS;
    return err;
}

static int run(const struct options *o)
{
    struct daemon *d = &daemon_state;
    int err, status = begin(d, o);

    if (status != EXIT_DONE)
        return status;
    world_signals(true);
    watch_child();
    err = open_all(&d->own, d->once);
    if (err == ACME_OK) {
        if (o->ask & ACME_ASK_IGNORE_RETRY_AFTER)
            fprintf(log_to(LOG_WARN),
                    "lwacme: warning: --ignore-retry-after: a CA may block an account that "
                    "does not wait\n");
        notify_state("READY=1");
        while (!loop_ends(d))
            loop_once(d);
        loop_stop(d);
        outside_close(&world.solve.outside, world_wait);
    } else
        runner_stop();
    world_close();
    free(d->turns);
    conf_close(&d->conf);
    if (err != ACME_OK)
        return exit_status(err);
    if (world_signal == SIGTERM && !d->once) /* that a daemon is told to end is no failure */
        return EXIT_DONE;
    if (d->broken)
        return EXIT_LOCAL;
    return world_signal != 0 ? 128 + (int)world_signal : d->worst;
}

int daemon_run(const struct options *o)
{
    return run(o);
}

int renew_run(const struct options *o)
{
    return run(o);
}
