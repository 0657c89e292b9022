/* lwacme: the command. */
#include "lwacme.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix_sys.h"

/* Started without one of 0, 1 and 2, a record or a connection would be opened under that number,
 * and what is printed would go there. */
static bool hold_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd > STDERR_FILENO && close(fd) == 0;
}

/* Whoever reads stdout must not take half of it for the whole. */
static int close_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("lwacme: error: stdout cannot be written\n", stderr);
    return status == EXIT_DONE ? EXIT_LOCAL : status;
}

int main(int argc, char **argv)
{
    /* An RSA key is tried when it is read, which takes random bytes: that of an option too. */
    static const struct acme_port before = {.entropy = posix_entropy};
    static struct options options;
    bool leave = true;
    int status;

    if (!hold_standard_files())
        return EXIT_LOCAL;
    acme_crypto_seed_from(&before);
    status = options_read(&options, argc, argv, &leave);
    if (!leave) {
        /* What is made is its owner's alone, whatever the caller's umask. Certificates, answers to
         * challenges and metrics, and the folders above them, are opened to others one by one. */
        umask(077);
        log_open(options.log_syslog);
        status = command_run(&options);
    }
    return close_output(status);
}
