/* tools/lwacme/linux_abi.h against the kernel's own headers, where they are installed. */
#include "linux_abi.h"

#include "test.h"

#if __has_include(<linux/landlock.h>) && __has_include(<linux/audit.h>)
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

TEST(landlock)
{
    CHECK_INT(ABI_LL_EXECUTE, LANDLOCK_ACCESS_FS_EXECUTE);
    CHECK_INT(ABI_LL_WRITE_FILE, LANDLOCK_ACCESS_FS_WRITE_FILE);
    CHECK_INT(ABI_LL_REMOVE_DIR, LANDLOCK_ACCESS_FS_REMOVE_DIR);
    CHECK_INT(ABI_LL_REMOVE_FILE, LANDLOCK_ACCESS_FS_REMOVE_FILE);
    CHECK_INT(ABI_LL_MAKE_CHAR, LANDLOCK_ACCESS_FS_MAKE_CHAR);
    CHECK_INT(ABI_LL_MAKE_DIR, LANDLOCK_ACCESS_FS_MAKE_DIR);
    CHECK_INT(ABI_LL_MAKE_REG, LANDLOCK_ACCESS_FS_MAKE_REG);
    CHECK_INT(ABI_LL_MAKE_SOCK, LANDLOCK_ACCESS_FS_MAKE_SOCK);
    CHECK_INT(ABI_LL_MAKE_FIFO, LANDLOCK_ACCESS_FS_MAKE_FIFO);
    CHECK_INT(ABI_LL_MAKE_BLOCK, LANDLOCK_ACCESS_FS_MAKE_BLOCK);
    CHECK_INT(ABI_LL_MAKE_SYM, LANDLOCK_ACCESS_FS_MAKE_SYM);
    CHECK_INT(ABI_LL_ASK_VERSION, LANDLOCK_CREATE_RULESET_VERSION);
    CHECK_INT(ABI_LL_PATH, LANDLOCK_RULE_PATH_BENEATH);
    CHECK_INT(sizeof(struct abi_ll_path), sizeof(struct landlock_path_beneath_attr));
    CHECK_INT(ABI_landlock_create, __NR_landlock_create_ruleset);
    CHECK_INT(ABI_landlock_add_rule, __NR_landlock_add_rule);
    CHECK_INT(ABI_landlock_restrict_self, __NR_landlock_restrict_self);
    CHECK_INT(ABI_close_range, __NR_close_range);
}

TEST(seccomp)
{
    CHECK_INT(ABI_FILTER_LOAD, BPF_LD | BPF_W | BPF_ABS);
    CHECK_INT(ABI_FILTER_EQUAL, BPF_JMP | BPF_JEQ | BPF_K);
    CHECK_INT(ABI_FILTER_ABOVE, BPF_JMP | BPF_JGE | BPF_K);
    CHECK_INT(ABI_FILTER_RETURN, BPF_RET | BPF_K);
    CHECK_INT(ABI_FILTER_ALLOW, SECCOMP_RET_ALLOW);
    CHECK_INT(ABI_FILTER_REFUSE, SECCOMP_RET_ERRNO);
    CHECK_INT(ABI_FILTER_KILL, SECCOMP_RET_KILL_PROCESS);
    CHECK_INT(ABI_SECCOMP_MODE_FILTER, SECCOMP_MODE_FILTER);
    CHECK_INT(sizeof(struct abi_filter_step), sizeof(struct sock_filter));
    CHECK_INT(sizeof(struct abi_filter), sizeof(struct sock_fprog));
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__mips__) && defined(__MIPSEB__)
#define ARCH AUDIT_ARCH_MIPS
#elif defined(__mips__)
#define ARCH AUDIT_ARCH_MIPSEL
#elif defined(__riscv)
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#endif

TEST(architecture)
{
#ifdef ARCH
    CHECK_INT(ABI_ARCH, ARCH);
#else
    SKIP("a processor that nobody has compiled for yet");
#endif
}

TEST(rights)
{
    CHECK_INT(ABI_PR_SET_SECCOMP, PR_SET_SECCOMP);
    CHECK_INT(ABI_PR_CAPBSET_DROP, PR_CAPBSET_DROP);
    CHECK_INT(ABI_PR_SET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS);
    CHECK_INT(ABI_PR_CAP_AMBIENT, PR_CAP_AMBIENT);
    CHECK_INT(ABI_PR_CAP_AMBIENT_CLEAR, PR_CAP_AMBIENT_CLEAR_ALL);
    CHECK_INT(ABI_CAP_NET_BIND_SERVICE, CAP_NET_BIND_SERVICE);
    CHECK_INT(ABI_CAPABILITY_VERSION, _LINUX_CAPABILITY_VERSION_3);
    CHECK_INT(sizeof(struct abi_cap_head), sizeof(struct __user_cap_header_struct));
    CHECK_INT(sizeof(struct abi_cap_data), sizeof(struct __user_cap_data_struct));
}
#else
TEST(headers)
{
    SKIP("the kernel's headers are not where this compiler looks");
}
#endif

RUN()
