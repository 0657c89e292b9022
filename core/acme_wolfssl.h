/* acme_wolfssl.h - what every build of wolfSSL for lwacme must have, and must not have
 *
 * A board's user_settings.h ends with an include of this page, so a wolfSSL that would break a
 * rule below does not compile. No definitions here: a board chooses, core checks.
 */
#ifndef ACME_WOLFSSL_H
#define ACME_WOLFSSL_H

/* Names. The CA's host is asked for (SNI), checked, and IP literals in certificates count: without
 * WOLFSSL_IP_ALT_NAME wolfSSL skips iPAddress entries and their constraints (CVE-2026-7532). */
#ifndef HAVE_TLS_EXTENSIONS
#error "HAVE_TLS_EXTENSIONS: TLS 1.3 and SNI need it"
#endif
#ifndef HAVE_SNI
#error "HAVE_SNI: CAs behind one address are told apart by it"
#endif
#ifndef WOLFSSL_IP_ALT_NAME
#error "WOLFSSL_IP_ALT_NAME: IP addresses in certificates must be checked, not skipped"
#endif
#ifndef WOLFSSL_HOSTNAME_VERIFY_ALT_NAME_ONLY
#error "WOLFSSL_HOSTNAME_VERIFY_ALT_NAME_ONLY: a common name is no host name (RFC 9525 6.3)"
#endif
#ifdef NO_ASN_TIME
#error "NO_ASN_TIME: the dates of a certificate must be checked"
#endif

/* Protocols and suites: TLS 1.2 and 1.3, (EC)DHE with an AEAD, nothing else. */
#ifndef WOLFSSL_TLS13
#error "WOLFSSL_TLS13: the preferred protocol"
#endif
#ifndef NO_OLD_TLS
#error "NO_OLD_TLS: TLS 1.0 and 1.1 are refused"
#endif
#ifndef WOLFSSL_AEAD_ONLY
#error "WOLFSSL_AEAD_ONLY: no CBC suites"
#endif
#ifndef HAVE_AESGCM
#error "HAVE_AESGCM: the suite that every CA offers"
#endif
#ifndef HAVE_EXTENDED_MASTER
#error "HAVE_EXTENDED_MASTER: TLS 1.2 without it ties a session to no handshake (RFC 7627)"
#endif

/* Where the list of suites in acme_tls.c is left out, nothing beyond it may be compiled in. */
#if defined(ACME_TLS_SUITES_AS_BUILT) &&                                                           \
    (defined(HAVE_AESCCM) || defined(HAVE_NULL_CIPHER) || defined(HAVE_CAMELLIA) ||                \
     defined(HAVE_ARIA) || defined(WOLFSSL_SM4_GCM) || defined(WOLFSSL_SM4_CCM) ||                 \
     defined(HAVE_ANON) || defined(WOLFSSL_STATIC_DH))
#error "ACME_TLS_SUITES_AS_BUILT: only AES-GCM and ChaCha20-Poly1305 with ECDHE"
#endif

/* Keys: P-256 always. Signatures must not hang on the quality of a random number, because one bad
 * one gives the key away (RFC 6979). */
#ifndef HAVE_ECC
#error "HAVE_ECC: accounts and certificates use P-256 keys"
#endif
#ifndef WOLFSSL_ECDSA_DETERMINISTIC_K
#error "WOLFSSL_ECDSA_DETERMINISTIC_K: signatures follow RFC 6979"
#endif
#ifndef WOLFSSL_ECDSA_SET_K
#error "WOLFSSL_ECDSA_SET_K: 5.7 wipes and frees the nonce of a signature with it alone"
#endif
#if !defined(ECC_TIMING_RESISTANT) && !defined(WOLFSSL_HAVE_SP_ECC)
#error "ECC_TIMING_RESISTANT: private keys must not leak through time"
#endif
#ifndef WC_RNG_SEED_CB
#error "WC_RNG_SEED_CB: the seed comes from the port's entropy and from nowhere else"
#endif

/* What made the holes of the past. */
#if defined(OPENSSL_EXTRA) || defined(OPENSSL_ALL) || defined(OPENSSL_EXTRA_X509_SMALL)
#error "OPENSSL_EXTRA: its X509_verify_cert accepted forged chains (CVE-2026-5501)"
#endif
#ifdef WOLFSSL_TRUST_PEER_CERT
#error "WOLFSSL_TRUST_PEER_CERT: it matched certificates without their key (CVE-2026-93302)"
#endif
#if defined(HAVE_ED25519) || defined(HAVE_ED448) || defined(HAVE_DILITHIUM)
#error "EdDSA and ML-DSA next to ECC let forged ECDSA certificates pass (CVE-2026-5194)"
#endif
#if !defined(NO_DSA) || !defined(NO_DH) || !defined(NO_RC4) || !defined(NO_DES3)
#error "NO_DSA, NO_DH, NO_RC4, NO_DES3: obsolete"
#endif
#if !defined(NO_MD5) || !defined(NO_MD4) || !defined(NO_SHA)
#error "NO_MD4, NO_MD5, NO_SHA: no certificate with such a signature is accepted"
#endif
#if defined(WOLFSSL_STATIC_RSA) || defined(WOLFSSL_STATIC_PSK) || !defined(NO_PSK)
#error "NO_PSK, no static RSA: a session's secrecy must not hang on a long-lived key"
#endif

#endif
