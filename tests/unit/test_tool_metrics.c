/* The text for Prometheus: what a label's value needs. The file itself: tests/interop. */
#include "test.h"

#include "metrics.h"

#include <unistd.h>

static char text[200];
static const char *label(const char *value)
{
    struct acme_buf b;

    acme_buf_init(&b, text, sizeof text);
    metrics_label(&b, value);
    return acme_buf_end(&b) ? text : "too long";
}

TEST(a_label_is_escaped)
{
    CHECK_STR(label(""), "\"\"");
    CHECK_STR(label("*.a.example"), "\"*.a.example\"");
    CHECK_STR(label("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
    CHECK_STR(label("\\"), "\"\\\\\"");
}

TEST(a_file_without_certificates_is_one)
{
    struct metrics m;
    char path[] = "/tmp/test_tool_metrics.XXXXXX", why[100], line[200];
    int fd = mkstemp(path);
    unsigned certificates = 0, lines = 0;
    FILE *f;

    CHECK(fd >= 0);
    metrics_begin(&m);
    CHECK_INT(metrics_end(&m, path, why, sizeof why), 0);
    f = fopen(path, "r");
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f) != NULL) {
        lines++;
        certificates += strcmp(line, "lwacme_certificates 0\n") == 0;
    }
    fclose(f);
    remove(path);
    CHECK_INT(certificates, 1);
    CHECK(lines > 20);
}

RUN()
