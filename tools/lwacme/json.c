/* Events as JSON on stdout: one object a line. */
#include "lwacme.h"

#include "posix_sys.h"

static const char *about;
static bool aside;

void json_aside(void)
{
    aside = true;
}

void json_about(const char *cert_name)
{
    about = cert_name;
}

static void put_line(const struct acme_buf *line)
{
    if (line->overflow || line->len == 0)
        return;
    (void)fwrite(line->ptr, 1, line->len, aside ? stderr : stdout);
    fflush(aside ? stderr : stdout);
}

void show_json(struct acme_buf *line)
{
    acme_buf_text(line, "}\n");
    put_line(line);
}

void json_event(const struct acme_event *e)
{
    static uint8_t room[8192];
    struct acme_buf b;
    int64_t now = 0;
    bool have_now = posix_unix_time(NULL, &now) == ACME_OK;

    acme_buf_init(&b, room, sizeof room);
    acme_event_json(&b, e, have_now ? &now : NULL,
                    e->failure != NULL ? show_hint(e->failure->err, &e->failure->problem) : NULL);
    if (about != NULL && b.len > 2 && !b.overflow) {
        b.len -= 2; /* its end, to be written anew */
        acme_json_put_text(&b, "certificate", about);
        show_json(&b);
    } else
        put_line(&b);
}
