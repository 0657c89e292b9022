/* What the kernel is asked to refuse this process for the rest of its life: writing elsewhere
 * (Landlock), and starting or touching other programs (seccomp). */
#include "lwacme.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux_abi.h"

/* -- files -- */

#define FILE_RIGHTS (ABI_LL_WRITE_FILE | ABI_LL_TRUNCATE)
#define TREE_RIGHTS                                                                                \
    (FILE_RIGHTS | ABI_LL_REMOVE_DIR | ABI_LL_REMOVE_FILE | ABI_LL_MAKE_DIR | ABI_LL_MAKE_REG |    \
     ABI_LL_MAKE_SYM | ABI_LL_REFER)
/* These are allowed nowhere. */
#define NO_RIGHTS                                                                                  \
    (ABI_LL_EXECUTE | ABI_LL_MAKE_CHAR | ABI_LL_MAKE_SOCK | ABI_LL_MAKE_FIFO | ABI_LL_MAKE_BLOCK)

/* What this kernel can refuse: one that is asked for more refuses the question. */
static uint64_t known_rights(long version)
{
    uint64_t rights = TREE_RIGHTS | NO_RIGHTS;

    if (version < 3)
        rights &= ~ABI_LL_TRUNCATE;
    if (version < 2)
        rights &= ~ABI_LL_REFER;
    return rights;
}

static int allow(int rules, const char *path, uint64_t known)
{
    struct abi_ll_path rule;
    struct stat st;
    int err, fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return -1;
    rule.fd = fd;
    rule.allowed = known & TREE_RIGHTS;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= FILE_RIGHTS;
    err = (int)syscall(ABI_landlock_add_rule, rules, ABI_LL_PATH, &rule, 0);
    close(fd);
    return err;
}

int confine_files(const char *const *paths, size_t count)
{
    long version = syscall(ABI_landlock_create, NULL, 0, ABI_LL_ASK_VERSION);
    struct abi_ll_ruleset set;
    int rules, err = 0;

    if (version < 1) {
        errno = ENOSYS; /* not built in, or not turned on */
        return -1;
    }
    set.files = known_rights(version);
    rules = (int)syscall(ABI_landlock_create, &set, sizeof set, 0);
    if (rules < 0)
        return -1;
    for (size_t i = 0; err == 0 && i < count; i++)
        err = allow(rules, paths[i], set.files);
    if (err == 0)
        err = (int)syscall(ABI_landlock_restrict_self, rules, 0);
    close(rules);
    return err;
}

/* -- system calls -- */

/* Not a list of what is allowed: that would be the C library's business, and another one with each
 * of its versions, processors and name service modules. A list of what this program never does and
 * an intruder would: start programs, read other processes, change the machine. */
static const uint32_t refused[] = {
    __NR_execve,
#ifdef __NR_execveat
    __NR_execveat,
#endif
#ifndef ABI_LEAKS_ARE_SOUGHT
    __NR_ptrace,
#endif
#ifdef __NR_process_vm_readv
    __NR_process_vm_readv,
    __NR_process_vm_writev,
#endif
#ifdef __NR_kexec_load
    __NR_kexec_load,
#endif
    __NR_init_module,
#ifdef __NR_finit_module
    __NR_finit_module,
#endif
    __NR_delete_module,
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_unshare,
#ifdef __NR_setns
    __NR_setns,
#endif
#ifdef __NR_bpf
    __NR_bpf,
#endif
#ifdef __NR_perf_event_open
    __NR_perf_event_open,
#endif
#ifdef __NR_userfaultfd
    __NR_userfaultfd,
#endif
#ifdef __NR_io_uring_setup
    __NR_io_uring_setup,
#endif
    __NR_add_key,
    __NR_request_key,
    __NR_keyctl,
    __NR_reboot,
    __NR_swapon,
    __NR_personality,
};
enum { REFUSED = sizeof refused / sizeof refused[0] };

int confine_calls(void)
{
    struct abi_filter_step steps[REFUSED + 8], *s = steps;
    struct abi_filter filter;

    if (ABI_ARCH == 0) {
        errno = ENOSYS;
        return -1;
    }
    *s++ = (struct abi_filter_step){ABI_FILTER_LOAD, 0, 0, 4};
    *s++ = (struct abi_filter_step){ABI_FILTER_EQUAL, 1, 0, ABI_ARCH};
    *s++ = (struct abi_filter_step){ABI_FILTER_RETURN, 0, 0, ABI_FILTER_KILL};
    *s++ = (struct abi_filter_step){ABI_FILTER_LOAD, 0, 0, 0};
    *s++ = (struct abi_filter_step){ABI_FILTER_ABOVE, REFUSED + 1, 0, ABI_X32};
    for (size_t i = 0; i < REFUSED; i++)
        *s++ = (struct abi_filter_step){ABI_FILTER_EQUAL, (uint8_t)(REFUSED - i), 0, refused[i]};
    *s++ = (struct abi_filter_step){ABI_FILTER_RETURN, 0, 0, ABI_FILTER_ALLOW};
    *s++ = (struct abi_filter_step){ABI_FILTER_RETURN, 0, 0, ABI_FILTER_REFUSE | EPERM};
    filter.count = (unsigned short)(s - steps);
    filter.steps = steps;
    if (prctl(ABI_PR_SET_SECCOMP, ABI_SECCOMP_MODE_FILTER, &filter, 0, 0) == 0)
        return 0;
    if (errno == EINVAL) /* built without, or an emulator */
        errno = ENOSYS;
    return -1;
}
