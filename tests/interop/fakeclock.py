"""The tool with another hour of the day."""
import os
import subprocess

import world
from common import Skip, lwacme_path


def fake_clock(seconds):
    """An environment in which the tool's clock is ahead."""
    lib = world.kept("clock", lambda folder: build_clock(folder))
    env = {"LD_PRELOAD": lib, "TEST_AHEAD": str(seconds)}
    if "san" in lwacme_path():
        raise Skip("the sanitizer wants to be the first library")
    if b"statically linked" in subprocess.run(["file", "-L", lwacme_path()], stdout=subprocess.PIPE,
                                              ).stdout:
        raise Skip("a static program takes no library in")
    return env


def build_clock(folder):
    source, lib = os.path.join(folder, "clock.c"), os.path.join(folder, "clock.so")
    with open(source, "w", encoding="ascii") as f:
        f.write("""#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *ts)
{
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int ret = real(id, ts);
    if (id == CLOCK_REALTIME && ret == 0)
        ts->tv_sec += atol(getenv("TEST_AHEAD"));
    return ret;
}
time_t time(time_t *out)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
""")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", lib, source, "-ldl"], check=True)
    return lib


CLOCK = r"""#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static long ahead(void)
{
    FILE *f = fopen(getenv("TEST_CLOCK"), "re");
    long n = 0;
    if (f != NULL && fscanf(f, "%ld", &n) != 1)
        n = 0;
    if (f != NULL)
        fclose(f);
    return n;
}
int clock_gettime(clockid_t id, struct timespec *ts)
{
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int ret = real(id, ts);
    if (id == CLOCK_REALTIME && ret == 0)
        ts->tv_sec += ahead();
    return ret;
}
time_t time(time_t *out)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
"""


def build_moving(folder):
    source, lib = os.path.join(folder, "moving.c"), os.path.join(folder, "moving.so")
    with open(source, "w", encoding="ascii") as f:
        f.write(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", lib, source, "-ldl"], check=True)
    return lib


class MovingClock:
    """A clock that is moved while the tool runs: env for the tool, to(seconds) how far it is ahead."""

    def __init__(self, folder):
        if "san" in lwacme_path():
            raise Skip("the sanitizer wants to be the first library")
        self.path = os.path.join(folder, "clock")
        self.env = {"LD_PRELOAD": world.kept("moving clock", build_moving), "TEST_CLOCK": self.path}
        self.to(0)

    def to(self, seconds):
        self.seconds = seconds
        with open(self.path + ".new", "w", encoding="ascii") as f:
            f.write("%d" % seconds)
        os.rename(self.path + ".new", self.path)

    def by(self, seconds):
        self.to(self.seconds + seconds)
