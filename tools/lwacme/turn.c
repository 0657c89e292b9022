/* A certificate's turn in the agent: loaded, moved on, put aside. */
#include "daemon.h"

#include <string.h>
#include <unistd.h>

#include "posix_sys.h"

#define TURN_ASIDE_MS 2000                /* for a shorter wait nobody is put aside */
#define TURN_MOST_MS  (24 * 3600 * 1000u) /* each is judged anew once a day at least */
#define TURN_TOKEN_MS 5000                /* until there may be room for its challenges */
#define TURN_NEXT_MS  1000                /* after a new certificate: when is the next one due? */

uint32_t daemon_retry_s(unsigned tries)
{
    static const uint32_t s[] = {60, 300, 900, 3600, 6 * 3600};
    const unsigned last = sizeof s / sizeof s[0];

    return s[tries == 0 ? 0 : tries < last ? tries - 1 : last - 1];
}

int daemon_worst(int a, int b)
{
    static const int order[] = {EXIT_TRUST, EXIT_LOCAL, EXIT_SOLVER, EXIT_REFUSED, EXIT_LATER};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (a == order[i] || b == order[i])
            return order[i];
    }
    return a > b ? a : b;
}

size_t turn_next(const struct daemon *d)
{
    size_t best = DAEMON_NOBODY;

    for (size_t i = 0; i < d->conf.count; i++) {
        if (i != d->loaded && !d->turns[i].done &&
            (best == DAEMON_NOBODY || d->turns[i].wake_ms < d->turns[best].wake_ms))
            best = i;
    }
    return best;
}

static void turn_leave(struct daemon *d)
{
    world_unload();
    d->loaded = DAEMON_NOBODY;
    tell_about(NULL);
}

/* Something outside of the agent is wrong, and it was said. */
static void turn_broken(struct daemon *d, int status)
{
    struct turn *t = &d->turns[d->loaded];

    t->failures = (uint8_t)(t->failures < UINT8_MAX ? t->failures + 1 : UINT8_MAX);
    t->wake_ms = posix_now_ms(NULL) + 1000u * (uint64_t)daemon_retry_s(t->failures);
    t->done = d->once;
    d->worst = daemon_worst(d->worst, status);
    d->news = true;
}

/* The records are read: true, or the certificate has left. */
static bool turn_load(struct daemon *d, size_t i)
{
    struct acme_agent_status status;
    uint32_t sleep_ms = 0;
    bool refused = false;
    int err;

    d->loaded = i;
    if (conf_options(&d->conf, i, &d->options) != EXIT_DONE) {
        turn_broken(d, EXIT_LOCAL);
        turn_leave(d);
        return false;
    }
    tell_about(d->options.cert_name);
    err = world_load(&d->options, &refused);
    if (err != ACME_OK) {
        tell_error("it is tried again in a while");
        turn_broken(d, refused ? EXIT_USAGE : exit_status(err));
        turn_leave(d);
        return false;
    }
    world.config.only_when_asked = d->once;
    do {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
    } while (strcmp(status.step, "rest") != 0);
    acme_agent_take_up(&agent, &d->turns[i].aside);
    return true;
}

/* The responders have room for a bounded number of challenges. Who has an order open has its own
 * there. */
static bool turn_fits(struct daemon *d, size_t i)
{
    return d->turns[i].aside.order || !solve_busy(&world.solve) ||
           conf_options(&d->conf, i, &d->options) != EXIT_DONE ||
           solve_fits(&world.solve, &d->options);
}

void turn_begin(struct daemon *d, size_t i)
{
    struct turn *t = &d->turns[i];
    struct acme_agent_status status;
    unsigned ask = d->base->ask;

    if (!turn_fits(d, i)) {
        t->wake_ms = posix_now_ms(NULL) + TURN_TOKEN_MS;
        return;
    }
    if (!turn_load(d, i) || !d->once)
        return;
    acme_agent_status(&agent, &status);
    if (status.outcome != ACME_OK && status.outcome != ACME_AGAIN)
        return;         /* its records cannot be read: that is its outcome */
    if (t->aside.order) /* the order that was forced is the one that is open */
        ask &= ~(unsigned)ACME_ASK_FORCE;
    (void)acme_agent_ask(&agent, ask, NULL);
}

/* True: the files are those of the certificate in force, or there is none to be installed. */
static bool turn_install(struct daemon *d, const struct acme_agent_status *status)
{
    char folder[ACME_NAME_ROOM + 9], path[700];
    const struct options *o = &d->options;
    bool changed = false, first;
    int err;

    /* What was revoked is nobody's to bring back; the files are left as they are. */
    if (!status->has_certificate || status->revoked != ACME_NOT_REVOKED)
        return true;
    install_folder(o->cert_name, folder, sizeof folder);
    snprintf(path, sizeof path, "%.390s%s/%s", o->out_dir != NULL ? o->out_dir : o->state_dir,
             o->out_dir != NULL ? "" : "/live", folder);
    first = access(path, F_OK) != 0;
    err = world_install(o, status->renewed, &changed);
    if (err != ACME_OK) {
        d->worst = daemon_worst(d->worst, exit_status(err));
        return false;
    }
    d->news |= changed;
    deploy_look(d, changed, first);
    return true;
}

/* Who proved its names hears of the files. */
static void turn_tell(struct daemon *d, const struct acme_agent_status *status)
{
    int err;

    if (d->options.external == 0 || status->outcome != ACME_OK)
        return;
    err = outside_deploy(&world.solve.outside, &d->options, status->renewed, status->not_before,
                         world_wait);
    if (err == ACME_OK)
        return;
    tell_error("the certificate is installed, but: %s", world.solve.outside.external.why);
    d->worst = daemon_worst(d->worst, exit_status(err));
}

/* It rests: what its run has brought, and when it comes again. */
static void turn_rest(struct daemon *d, const struct acme_aside *aside)
{
    struct turn *t = &d->turns[d->loaded];
    struct acme_agent_status status;
    uint64_t now = posix_now_ms(NULL), again;

    acme_agent_status(&agent, &status);
    t->aside = *aside;
    t->wake_ms = aside->wake_ms < now + TURN_MOST_MS ? aside->wake_ms : now + TURN_MOST_MS;
    if (!d->once && world.config.only_when_asked)
        t->wake_ms = now + TURN_NEXT_MS;
    if (status.outcome != ACME_AGAIN) {
        d->news |= status.outcome != t->outcome || status.renewed;
        t->outcome = status.outcome;
        if (status.outcome != ACME_OK && status.outcome != ACME_E_HELD)
            world_detail(status.outcome);
    }
    t->done = d->once;
    if (status.outcome != ACME_AGAIN)
        d->worst = daemon_worst(d->worst, exit_status(status.outcome));
    outside_finish(&world.solve.outside, world_wait);
    if (turn_install(d, &status)) {
        t->failures = 0;
        turn_tell(d, &status);
    } else {
        t->failures = (uint8_t)(t->failures < UINT8_MAX ? t->failures + 1 : UINT8_MAX);
        again = now + 1000u * (uint64_t)daemon_retry_s(t->failures);
        t->wake_ms = t->wake_ms < again ? t->wake_ms : again;
        d->news = true;
    }
    if (!d->once)
        outside_close(&world.solve.outside, world_wait);
    turn_leave(d);
}

uint32_t turn_poll(struct daemon *d)
{
    struct turn *t = &d->turns[d->loaded];
    struct acme_aside aside;
    uint32_t sleep_ms = 0;
    uint64_t now;
    size_t other;
    bool rests = acme_agent_poll(&agent, &sleep_ms) == ACME_OK;

    if (acme_agent_aside(&agent, &aside) != ACME_OK)
        return sleep_ms;
    if (rests && (!aside.order || d->once)) {
        turn_rest(d, &aside);
        return 0;
    }
    if (!aside.order)
        return sleep_ms;
    /* In the middle of a run: while nobody else wants to, it may stay, and its connection too. */
    now = posix_now_ms(NULL);
    other = turn_next(d);
    if (d->leave || (aside.wake_ms > now + TURN_ASIDE_MS && other != DAEMON_NOBODY &&
                     d->turns[other].wake_ms <= now)) {
        t->aside = aside;
        t->wake_ms = aside.wake_ms;
        turn_leave(d);
        return 0;
    }
    if (other != DAEMON_NOBODY && d->turns[other].wake_ms < now + sleep_ms)
        sleep_ms = d->turns[other].wake_ms > now ? (uint32_t)(d->turns[other].wake_ms - now) : 100;
    return sleep_ms;
}

void turn_stop(struct daemon *d, size_t i, uint64_t by_ms)
{
    struct acme_agent_status status;
    uint32_t sleep_ms = 0;

    if (d->loaded == DAEMON_NOBODY && (!d->turns[i].aside.order || !turn_load(d, i)))
        return;
    world.config.only_when_asked = true; /* it is not begun once more */
    acme_agent_stop(&agent);
    for (;;) {
        (void)acme_agent_poll(&agent, &sleep_ms);
        acme_agent_status(&agent, &status);
        if (strcmp(status.step, "rest") == 0 || posix_now_ms(NULL) >= by_ms)
            break;
        if (sleep_ms > 0)
            sockets_wait(&world.net, sleep_ms < 50 ? sleep_ms : 50);
    }
    memset(&d->turns[i].aside, 0, sizeof d->turns[i].aside);
    turn_leave(d);
}
