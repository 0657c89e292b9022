/* linux_abi.h - what the kernel knows and a C library's headers may not: musl comes without the
 * kernel's own headers, and older ones lack the newer names
 *
 * Values of the kernel's user space ABI, which never change.
 */
#ifndef LINUX_ABI_H
#define LINUX_ABI_H

#include <stdint.h>
#include <sys/syscall.h>

/* Since 2019 new calls have the same number everywhere, above the base of the ABI. */
#if defined(__mips__) && _MIPS_SIM == _ABIO32
#define ABI_CALL(n) (4000 + (n))
#elif defined(__mips__) && _MIPS_SIM == _ABI64
#define ABI_CALL(n) (5000 + (n))
#elif defined(__mips__)
#define ABI_CALL(n) (6000 + (n))
#else
#define ABI_CALL(n) (n)
#endif
#define ABI_close_range            ABI_CALL(436)
#define ABI_landlock_create        ABI_CALL(444)
#define ABI_landlock_add_rule      ABI_CALL(445)
#define ABI_landlock_restrict_self ABI_CALL(446)

/* -- prctl -- */

#define ABI_PR_SET_SECCOMP       22
#define ABI_PR_CAPBSET_DROP      24
#define ABI_PR_SET_NO_NEW_PRIVS  38
#define ABI_PR_CAP_AMBIENT       47
#define ABI_PR_CAP_AMBIENT_CLEAR 4
#define ABI_SECCOMP_MODE_FILTER  2

/* The leak check of a sanitized build is a process that traces this one. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ABI_LEAKS_ARE_SOUGHT 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ABI_LEAKS_ARE_SOUGHT 1
#endif
#ifdef ABI_LEAKS_ARE_SOUGHT
#define ABI_DUMPABLE 1
#else
#define ABI_DUMPABLE 0
#endif

/* -- capabilities -- */

#define ABI_CAP_NET_BIND_SERVICE 10
#define ABI_CAP_LAST             63 /* of those that two words can say */
#define ABI_CAPABILITY_VERSION   0x20080522

struct abi_cap_head {
    uint32_t version;
    int pid;
};
struct abi_cap_data { /* two of them, low bits first */
    uint32_t effective, permitted, inheritable;
};

/* -- Landlock -- */

#define ABI_LL_EXECUTE     (UINT64_C(1) << 0)
#define ABI_LL_WRITE_FILE  (UINT64_C(1) << 1)
#define ABI_LL_REMOVE_DIR  (UINT64_C(1) << 4)
#define ABI_LL_REMOVE_FILE (UINT64_C(1) << 5)
#define ABI_LL_MAKE_CHAR   (UINT64_C(1) << 6)
#define ABI_LL_MAKE_DIR    (UINT64_C(1) << 7)
#define ABI_LL_MAKE_REG    (UINT64_C(1) << 8)
#define ABI_LL_MAKE_SOCK   (UINT64_C(1) << 9)
#define ABI_LL_MAKE_FIFO   (UINT64_C(1) << 10)
#define ABI_LL_MAKE_BLOCK  (UINT64_C(1) << 11)
#define ABI_LL_MAKE_SYM    (UINT64_C(1) << 12)
#define ABI_LL_REFER       (UINT64_C(1) << 13) /* from version 2 of its ABI on */
#define ABI_LL_TRUNCATE    (UINT64_C(1) << 14) /* 3 */
#define ABI_LL_ASK_VERSION 1
#define ABI_LL_PATH        1

struct abi_ll_ruleset {
    uint64_t files;
};
struct abi_ll_path {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

/* -- seccomp: a filter in the language of packet filters -- */

struct abi_filter_step {
    uint16_t code;
    uint8_t if_true, if_false; /* steps to skip */
    uint32_t value;
};
struct abi_filter {
    unsigned short count;
    const struct abi_filter_step *steps;
};
#define ABI_FILTER_LOAD   0x20 /* a word of the call: number at 0, architecture at 4 */
#define ABI_FILTER_EQUAL  0x15
#define ABI_FILTER_ABOVE  0x35 /* or equal */
#define ABI_FILTER_RETURN 0x06
#define ABI_FILTER_ALLOW  0x7fff0000u
#define ABI_FILTER_REFUSE 0x00050000u /* and the errno */
#define ABI_FILTER_KILL   0x80000000u

#if defined(__x86_64__) && !defined(__ILP32__)
#define ABI_ARCH 0xc000003eu
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ABI_ARCH 0xc00000b7u
#elif defined(__arm__) && defined(__ARMEL__)
#define ABI_ARCH 0x40000028u
#elif defined(__mips__) && _MIPS_SIM == _ABIO32 && defined(__MIPSEB__)
#define ABI_ARCH 0x00000008u
#elif defined(__mips__) && _MIPS_SIM == _ABIO32
#define ABI_ARCH 0x40000008u
#elif defined(__riscv) && __riscv_xlen == 64
#define ABI_ARCH 0xc00000f3u
#elif defined(__i386__)
#define ABI_ARCH 0x40000003u
#else
#define ABI_ARCH 0u /* no filter is made */
#endif
/* The second ABI of x86-64 has numbers from here on. */
#define ABI_X32 0x40000000u

#endif
