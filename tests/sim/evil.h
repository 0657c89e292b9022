/* evil.h - the catalogue: what CAs, networks and clocks do wrong, and what a correct agent does
 * then
 *
 * One line each: X(id, "name", group, "what a correct agent does"). The CA model asks evil(id) at
 * the place where it would do it; `sim --list` prints the catalogue with how often each was
 * reached. Whatever the line says, all invariants hold besides, and a certificate is there soon
 * after it stops.
 */
#ifndef EVIL_H
#define EVIL_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_world.h"

#define EVIL_TABLE(X)                                                                              \
    /* nonces: RFC 8555 6.5 */                                                                     \
    X(NONCE_REFUSED, "nonce-refused", NONCE, "repeats with the nonce of the refusal")              \
    X(NONCE_REFUSED_MUTE, "nonce-refused-without-new", NONCE, "gets one from newNonce")            \
    X(NONCE_REFUSED_500, "nonce-refused-as-500", NONCE, "reads the type, not the status")          \
    X(NONCE_MISSING, "nonce-missing", NONCE, "gets one from newNonce")                             \
    X(NONCE_GRAMMAR, "nonce-bad-grammar", NONCE, "ignores it (6.5.1)")                             \
    X(NONCE_LONG, "nonce-of-300-characters", NONCE, "ignores it, gets another")                    \
    X(NONCE_EMPTY, "nonce-empty", NONCE, "ignores it, gets another")                               \
    X(NONCE_TWO, "nonce-twice-in-one-reply", NONCE, "uses one of them, once")                      \
    X(NONCE_JUNK, "nonce-never-issued", NONCE, "is refused, repeats with the new one")             \
    X(NONCE_EXPIRED, "nonces-forgotten", NONCE, "is refused, repeats with the new one")            \
    X(NONCE_NO_HEAD, "newnonce-405-to-head", NONCE, "asks with GET")                               \
    X(NONCE_NO_FIELD, "newnonce-without-nonce", NONCE, "fails, comes back later")                  \
    X(NONCE_204, "newnonce-204", NONCE, "takes it (7.2)")                                          \
    X(NONCE_500, "newnonce-500", NONCE, "tries again, slower")                                     \
    /* HTTP framing: RFC 9112 */                                                                   \
    X(HTTP_CHUNKED, "chunked", HTTP, "reads it")                                                   \
    X(HTTP_CHUNK_EXT, "chunked-extensions-trailers", HTTP, "reads it, ignores them")               \
    X(HTTP_CHUNK_HUGE, "chunk-size-overflows", HTTP, "drops the connection")                       \
    X(HTTP_CHUNK_BAD, "chunk-size-no-hex", HTTP, "drops the connection")                           \
    X(HTTP_CHUNK_CUT, "chunks-without-end", HTTP, "the reply is lost, not short")                  \
    X(HTTP_10, "http-1.0-until-close", HTTP, "reads it or treats it as lost, never half")          \
    X(HTTP_100, "100-continue-first", HTTP, "skips it")                                            \
    X(HTTP_1XX_MANY, "1xx-for-ever", HTTP, "gives up after a few")                                 \
    X(HTTP_GARBAGE, "no-status-line", HTTP, "drops the connection")                                \
    X(HTTP_STATUS_BAD, "status-000", HTTP, "drops the connection")                                 \
    X(HTTP_BARE_CR, "bare-cr-in-field", HTTP, "drops the connection")                              \
    X(HTTP_FOLDED, "folded-field", HTTP, "drops the connection")                                   \
    X(HTTP_SPACE_COLON, "space-before-colon", HTTP, "drops the connection")                        \
    X(HTTP_TWO_LENGTHS, "two-content-lengths", HTTP, "drops the connection (smuggling)")           \
    X(HTTP_LENGTH_CHUNKED, "length-and-chunked", HTTP, "drops the connection (smuggling)")         \
    X(HTTP_LENGTH_SHORT, "length-too-short", HTTP, "does not read the rest as a reply")            \
    X(HTTP_LENGTH_LONG, "length-too-long", HTTP, "the reply is lost, not short")                   \
    X(HTTP_LENGTH_HUGE, "length-of-exabytes", HTTP, "says which bound, does not wait for it")      \
    X(HTTP_CUT_HEAD, "closes-in-head", HTTP, "the reply is lost: looks, does not act twice")       \
    X(HTTP_CUT_BODY, "closes-in-body", HTTP, "the reply is lost: looks, does not act twice")       \
    X(HTTP_RESET, "acts-then-resets", HTTP, "the reply is lost: looks, does not act twice")        \
    X(HTTP_SILENT, "acts-then-silence", HTTP, "gives up after its deadline")                       \
    X(HTTP_DRIP, "drips-bytes", HTTP, "gives up when the whole takes too long")                    \
    X(HTTP_HEAD_HUGE, "head-of-12-kb", HTTP, "refuses it by its bound")                            \
    X(HTTP_BODY_HUGE, "body-over-the-bound", HTTP, "says which bound, comes back tomorrow")        \
    X(HTTP_STRAY, "second-reply-behind", HTTP,                                                     \
      "never takes it for the next answer, unless it comes after the question")                    \
    X(HTTP_CLOSE, "connection-close", HTTP, "connects anew")                                       \
    X(HTTP_CLOSE_QUIET, "closes-a-kept-connection", HTTP, "connects anew, repeats once")           \
    X(HTTP_CASE, "field-names-in-capitals", HTTP, "reads them")                                    \
    X(HTTP_500, "500-before-acting", HTTP, "tries again, slower")                                  \
    X(HTTP_500_AFTER, "500-after-acting", HTTP, "looks, does not act twice")                       \
    X(HTTP_502_HTML, "502-html", HTTP, "tries again, slower")                                      \
    X(HTTP_503_SECONDS, "503-retry-after-seconds", HTTP, "stays away so long")                     \
    X(HTTP_503_DATE, "503-retry-after-date", HTTP, "stays away until then")                        \
    X(HTTP_429_BARE, "429-without-retry-after", HTTP, "backs off by its own table")                \
    X(HTTP_RETRY_BAD, "retry-after-no-number", HTTP, "ignores it")                                 \
    X(HTTP_404, "404-anywhere", HTTP, "fails, comes back later")                                   \
    X(HTTP_REDIRECT, "redirects-a-post", HTTP, "does not follow")                                  \
    /* JSON: RFC 8259 */                                                                           \
    X(JSON_CUT, "json-cut", JSON, "refuses it whole")                                              \
    X(JSON_DEEP, "json-nested-deep", JSON, "refuses it, keeps its stack")                          \
    X(JSON_TWICE, "json-member-twice", JSON, "refuses it")                                         \
    X(JSON_BOM, "json-byte-order-mark", JSON, "refuses it")                                        \
    X(JSON_UTF8, "json-invalid-utf8", JSON, "refuses it")                                          \
    X(JSON_NUL, "json-nul-in-string", JSON, "refuses it")                                          \
    X(JSON_MORE, "json-unknown-members", JSON, "ignores them")                                     \
    X(JSON_ARRAY, "json-array-at-top", JSON, "refuses it")                                         \
    X(JSON_EMPTY, "json-body-empty", JSON, "refuses it")                                           \
    X(JSON_BOMB, "json-of-many-nodes", JSON, "refuses it by its bound")                            \
    X(JSON_SLASHES, "json-escaped-slashes", JSON, "reads them")                                    \
    X(JSON_HTML, "html-instead-of-json", JSON, "refuses it")                                       \
    /* directory: RFC 8555 7.1.1 */                                                                \
    X(DIR_LACKS, "directory-lacks-neworder", DIRECTORY, "fails, comes back later")                 \
    X(DIR_HTTP, "directory-names-http", DIRECTORY, "never speaks plain HTTP")                      \
    X(DIR_INSIDE, "directory-names-169.254", DIRECTORY, "does not connect there (SSRF)")           \
    X(DIR_LOCALHOST, "directory-names-localhost", DIRECTORY, "does not connect there (SSRF)")      \
    X(DIR_META_NULL, "directory-meta-null", DIRECTORY, "ignores it")                               \
    X(DIR_MOVED, "directory-redirects", DIRECTORY, "follows, https only")                          \
    X(DIR_LOOP, "directory-redirect-loop", DIRECTORY, "stops after a few")                         \
    X(DIR_DOWN, "directory-redirects-to-http", DIRECTORY, "does not follow")                       \
    X(DIR_EAB, "directory-wants-binding", DIRECTORY, "says so when it has no account yet")         \
    X(DIR_URL_LONG, "directory-url-of-3000", DIRECTORY, "refuses it by its bound")                 \
    X(DIR_PATHS, "directory-paths-change", DIRECTORY, "uses the fresh ones")                       \
    /* account: 7.3 */                                                                             \
    X(ACC_NO_LOCATION, "account-without-location", ACCOUNT, "fails, finds it later by its key")    \
    X(ACC_TERMS, "account-new-terms", ACCOUNT, "stops and says so; keeps the certificate")         \
    X(ACC_RATE, "account-rate-limited", ACCOUNT, "stays away from newAccount so long")             \
    X(ACC_DEAD, "account-said-deactivated", ACCOUNT, "stops, a person decides")                    \
    X(ACC_LOST, "account-forgotten", ACCOUNT, "makes it anew once, with the same key")             \
    X(ACC_BODY, "account-without-body", ACCOUNT, "takes the Location")                             \
    X(ACC_FOREIGN, "account-location-inside", ACCOUNT, "does not use it")                          \
    X(ACC_CONTACT, "account-contact-refused", ACCOUNT, "backs off as refused")                     \
    /* order: 7.4 */                                                                               \
    X(ORD_RATE, "order-rate-limited", ORDER, "stays away from newOrder so long")                   \
    X(ORD_RATE_DATE, "order-rate-limited-date", ORDER, "stays away from newOrder until then")      \
    X(ORD_NO_LOCATION, "order-without-location", ORDER, "fails; asks again within its budget")     \
    X(ORD_RELATIVE, "order-location-relative", ORDER, "does not use it")                           \
    X(ORD_INSIDE, "order-location-inside", ORDER, "does not use it")                               \
    X(ORD_URLS_INSIDE, "order-names-urls-inside", ORDER, "does not connect there (SSRF)")          \
    X(ORD_AUTHZ_INSIDE, "order-names-authorizations-inside", ORDER, "does not connect there")      \
    X(ORD_READY, "order-born-ready", ORDER, "goes on to finalize")                                 \
    X(ORD_INVALID, "order-turns-invalid", ORDER, "asks why, backs off")                            \
    X(ORD_GONE, "order-404", ORDER, "starts a new one within its budget")                          \
    X(ORD_NULL, "order-authorizations-null", ORDER, "keeps those that it saw first")               \
    X(ORD_MANY, "order-with-101-authorizations", ORDER, "refuses it by its bound")                 \
    X(ORD_NONE, "order-with-no-authorizations", ORDER, "refuses it")                               \
    X(ORD_REJECTED, "order-name-rejected", ORDER, "tells which name, backs off")                   \
    X(ORD_WORD, "order-status-unknown", ORDER, "gives it up, backs off")                           \
    X(ORD_STUCK, "order-stays-pending", ORDER, "asks why, then leaves it for later")               \
    X(ORD_PROCESSING, "order-processing-for-hours", ORDER, "leaves it open, finds it later")       \
    X(ORD_RETRY_LONG, "order-retry-after-hours", ORDER, "comes back then, not before")             \
    X(ORD_DETAIL, "order-problem-of-5-kb", ORDER, "keeps the beginning, made harmless")            \
    /* authorization: 7.5 */                                                                       \
    X(AUTHZ_SHUFFLED, "authorizations-shuffled", AUTHZ, "matches by name, not by place")           \
    X(AUTHZ_FOREIGN, "authorization-of-another-name", AUTHZ, "refuses it")                         \
    X(AUTHZ_TWICE, "authorization-twice", AUTHZ, "refuses it")                                     \
    X(AUTHZ_VALID, "authorization-valid-already", AUTHZ, "does not prove it again")                \
    X(AUTHZ_DEAD, "authorization-deactivated", AUTHZ, "gives the order up")                        \
    X(AUTHZ_EXPIRED, "authorization-expired", AUTHZ, "gives the order up")                         \
    X(AUTHZ_NO_CHALLENGE, "authorization-without-challenges", AUTHZ, "says that no solver fits")   \
    X(AUTHZ_STRANGERS, "authorization-with-strange-types", AUTHZ, "skips them, takes the known")   \
    /* challenge: 8 */                                                                             \
    X(CHALL_PATH, "token-with-a-path", CHALLENGE, "never uses it (CVE-2026-40611)")                \
    X(CHALL_SHORT, "token-too-short", CHALLENGE, "never uses it")                                  \
    X(CHALL_LONG, "token-of-200", CHALLENGE, "never uses it")                                      \
    X(CHALL_SHELL, "token-with-shell-code", CHALLENGE, "never uses it (CVE-2023-38198)")           \
    X(CHALL_FAILS, "validation-fails", CHALLENGE, "cleans up; at most 5 an hour")                  \
    X(CHALL_QUIET, "validation-fails-quietly", CHALLENGE, "finds the error in the challenge")      \
    X(CHALL_NEVER, "validation-never-ends", CHALLENGE, "leaves it for later")                      \
    X(CHALL_SLOW, "validation-takes-minutes", CHALLENGE, "waits, slower each time")                \
    X(CHALL_REFUSED, "challenge-response-refused", CHALLENGE, "looks at the authorization")        \
    X(CHALL_MANY, "validation-from-five-places", CHALLENGE, "serves them all")                     \
    X(CHALL_SCAN, "strangers-at-port-80", CHALLENGE, "404 to them, serves the CA")                 \
    X(CHALL_SLOWLORIS, "slow-strangers-at-port-80", CHALLENGE, "drops them, serves the CA")        \
    /* finalize: 7.4 */                                                                            \
    X(FIN_NOT_READY, "finalize-order-not-ready", FINALIZE, "looks again in a moment")              \
    X(FIN_BAD_CSR, "finalize-bad-csr", FINALIZE, "gives the order up")                             \
    X(FIN_EMPTY, "finalize-empty-answer", FINALIZE, "looks at the order")                          \
    X(FIN_RATE, "finalize-rate-limited", FINALIZE, "stays away so long, keeps the order")          \
    X(FIN_LOST, "finalize-answer-lost", FINALIZE, "looks; never finalizes an order twice")         \
    /* certificate: 7.4.2, 11.4 */                                                                 \
    X(CERT_KEY, "certificate-for-another-key", CERT, "does not store it")                          \
    X(CERT_NAMES_MORE, "certificate-with-a-name-more", CERT, "does not store it")                  \
    X(CERT_NAMES_LESS, "certificate-with-other-name", CERT, "does not store it")                   \
    X(CERT_EXPIRED, "certificate-expired", CERT, "does not store it")                              \
    X(CERT_FUTURE, "certificate-not-yet-valid", CERT, "does not store it")                         \
    X(CERT_SIGNATURE, "certificate-signature-wrong", CERT, "does not store it")                    \
    X(CERT_ISSUER, "chain-of-another-issuer", CERT, "does not store it")                           \
    X(CERT_SMUGGLED, "private-key-in-the-chain", CERT, "does not store it (11.4)")                 \
    X(CERT_CUT, "certificate-pem-cut", CERT, "does not store it")                                  \
    X(CERT_GARBAGE, "certificate-garbage", CERT, "does not store it")                              \
    X(CERT_MANY, "chain-of-twenty", CERT, "refuses it by its bound")                               \
    X(CERT_TWICE, "leaf-twice-in-chain", CERT, "does not store it")                                \
    X(CERT_EMPTY, "certificate-empty", CERT, "does not store it")                                  \
    X(CERT_CRLF, "certificate-crlf-lines", CERT, "reads it")                                       \
    X(CERT_ALONE, "leaf-without-chain", CERT, "takes it")                                          \
    X(CERT_ROOT, "chain-with-root", CERT, "takes it")                                              \
    X(CERT_LATE, "certificate-503-first", CERT, "asks again later, same order")                    \
    /* renewal information: RFC 9773 */                                                            \
    X(ARI_BACKWARDS, "window-ends-before-it-starts", ARI, "takes it for no answer (4.2)")          \
    X(ARI_PAST, "window-always-in-the-past", ARI, "renews, but not before an eighth of its life")  \
    X(ARI_LONG_PAST, "window-in-1999", ARI, "takes it for no answer")                              \
    X(ARI_FAR, "window-in-2099", ARI, "renews by the certificate's life")                          \
    X(ARI_LATE, "window-after-expiry", ARI, "renews by the certificate's life")                    \
    X(ARI_ENDLESS, "window-of-a-century", ARI, "clips it to the certificate's life")               \
    X(ARI_SOON, "window-begins-with-the-certificate", ARI, "renews, but not at once")              \
    X(ARI_FRACTIONS, "window-fractions-and-offsets", ARI, "reads them")                            \
    X(ARI_TIMES, "window-times-malformed", ARI, "takes it for no answer")                          \
    X(ARI_NO_WINDOW, "renewal-information-without-window", ARI, "takes it for no answer")          \
    X(ARI_NUMBERS, "window-of-numbers", ARI, "takes it for no answer")                             \
    X(ARI_NO_RETRY, "window-without-retry-after", ARI, "asks again after six hours")               \
    X(ARI_RETRY_LONG, "window-retry-after-years", ARI, "asks again after a day")                   \
    X(ARI_RETRY_SHORT, "window-retry-after-0", ARI, "asks a few times a day, writes less")         \
    X(ARI_RETRY_WORD, "window-retry-after-a-word", ARI, "asks again after six hours")              \
    X(ARI_404, "window-404", ARI, "asks again after six hours; by the life")                       \
    X(ARI_500, "window-500", ARI, "asks again, slower; by the life")                               \
    X(ARI_CHANGES, "window-moves-at-each-answer", ARI, "follows it; spares its flash")             \
    X(ARI_EXPLAINS, "explanation-with-control-characters", ARI, "shows it made harmless")          \
    X(ARI_GONE, "directory-without-renewal-info", ARI, "renews by the life, names no predecessor") \
    X(ARI_INSIDE, "renewal-info-at-169.254", ARI, "does not connect there (SSRF)")                 \
    X(REPL_REPLACED, "predecessor-already-replaced", ARI, "asks once more without it")             \
    X(REPL_CONFLICT, "predecessor-conflict", ARI, "asks once more without it")                     \
    X(REPL_MALFORMED, "predecessor-malformed", ARI, "asks once more without it")                   \
    X(REPL_500, "predecessor-breaks-the-ca", ARI, "the next order goes without it")                \
    /* external account binding: 7.3.4 */                                                          \
    X(EAB_KEY, "binding-of-another-key", BINDING, "is refused; says so, comes back seldom")        \
    X(EAB_USED, "binding-used-up", BINDING, "looks for its account by its key")                    \
    X(EAB_SILENT, "binding-wanted-but-not-said", BINDING, "stops and says so")                     \
    /* profiles: draft-ietf-acme-profiles */                                                       \
    X(PROFILE_GONE, "profile-no-longer-offered", PROFILE, "takes the default, warns")              \
    X(PROFILE_INVALID, "profile-refused-at-neworder", PROFILE, "backs off as refused")             \
    X(PROFILE_LATE, "profile-refused-at-finalize", PROFILE, "gives the order up, backs off")       \
    X(PROFILE_ODD, "profiles-of-odd-types", PROFILE, "takes what is none for none")                \
    /* alternate chains: 7.4.2 */                                                                  \
    X(ALT_GARBAGE, "alternate-garbage", CHAIN, "passes it over")                                   \
    X(ALT_404, "alternate-404", CHAIN, "passes it over")                                           \
    X(ALT_KEY, "alternate-for-another-key", CHAIN, "passes it over")                               \
    X(ALT_MANY, "alternates-by-the-dozen", CHAIN, "looks at a few")                                \
    X(ALT_LOOP, "alternates-in-a-circle", CHAIN, "looks at each once")                             \
    X(ALT_INSIDE, "alternate-at-169.254", CHAIN, "does not connect there (SSRF)")                  \
    /* TLS and network */                                                                          \
    X(TLS_TRUST, "tls-untrusted", TLS, "sends nothing; once a day, with an alarm")                 \
    X(TLS_NAME, "tls-other-name", TLS, "sends nothing; once a day, with an alarm")                 \
    X(TLS_DATE, "tls-expired", TLS, "sends nothing; once a day, with an alarm")                    \
    X(TLS_VERSION, "tls-too-old", TLS, "sends nothing; once a day, with an alarm")                 \
    X(TLS_FAILS, "tls-alert", TLS, "tries again, slower")                                          \
    X(TLS_STALLS, "tls-stalls", TLS, "gives up after its deadline")                                \
    X(TLS_NOT_YET, "tls-not-yet-valid", TLS, "sends nothing; once a day, with an alarm")           \
    X(TLS_CUT, "tls-cut-in-handshake", TLS, "tries again, slower")                                 \
    X(TLS_NO_NOTIFY, "tls-ends-without-close-notify", TLS, "the reply is lost, not short")         \
    X(TLS_ALERT, "tls-alert-in-a-reply", TLS, "the reply is lost: looks, does not act twice")      \
    X(TLS_RECORDS, "tls-records-of-a-few-bytes", TLS, "reads them")                                \
    /* clock of the device */                                                                      \
    X(CLOCK_UNSET, "clock-not-set", CLOCK, "waits, judges nothing in 1970")                        \
    X(CLOCK_AHEAD, "clock-a-day-ahead", CLOCK, "recovers when told the truth")                     \
    X(CLOCK_YEARS, "clock-ten-years-ahead", CLOCK, "recovers when told the truth")                 \
    X(CLOCK_BEHIND, "clock-a-day-behind", CLOCK, "recovers when told the truth")                   \
    X(CLOCK_WANDERS, "clock-jumps-to-and-fro", CLOCK, "no wait grows or vanishes by it for long")  \
    /* What follows goes wrong only in seeds with jobs (jobs.h). Directory: 7.1.1 */               \
    X(DIR_NO_CHANGE, "directory-without-keychange", JOBS,                                          \
      "says so; what was begun is settled, and the certificate renewed")                           \
    X(DIR_NO_REVOKE, "directory-without-revokecert", JOBS, "says so, asks for nothing")            \
    X(DIR_CHANGE_INSIDE, "keychange-at-169.254", JOBS, "does not connect there (SSRF)")            \
    X(DIR_REVOKE_HTTP, "revokecert-over-http", JOBS, "never speaks plain HTTP")                    \
    X(ORD_TERMS, "order-new-terms", JOBS, "says so, comes back daily; keeps the certificate")      \
    /* another key for the account: 7.3.5 */                                                       \
    X(ROLL_FOREIGN, "keychange-409-another-account", ROLLOVER,                                     \
      "asks for the old key's account, keeps it, drops the new one")                               \
    X(ROLL_MALFORMED, "keychange-malformed", ROLLOVER,                                             \
      "asks for the old key's account, keeps it, drops the new one")                               \
    X(ROLL_UNAUTHORIZED, "keychange-unauthorized", ROLLOVER,                                       \
      "asks for the old key's account, keeps it, drops the new one")                               \
    X(ROLL_BAD_KEY, "keychange-bad-public-key", ROLLOVER,                                          \
      "asks for the old key's account, keeps it, drops the new one")                               \
    X(ROLL_500, "keychange-500-not-done", ROLLOVER,                                                \
      "keeps both, asks for the new key's account, asks again")                                    \
    X(ROLL_RATE, "keychange-rate-limited", ROLLOVER, "keeps both, stays away so long")             \
    X(ROLL_LOST, "keychange-done-answer-lost", ROLLOVER,                                           \
      "keeps both, finds the new key's account, goes on with it")                                  \
    X(ROLL_500_DONE, "keychange-500-but-done", ROLLOVER,                                           \
      "keeps both, finds the new key's account, goes on with it")                                  \
    X(ROLL_409_DONE, "keychange-409-but-done", ROLLOVER,                                           \
      "finds that the old key has none, and the new one has it")                                   \
    X(ROLL_401_DONE, "keychange-401-but-done", ROLLOVER,                                           \
      "finds that the old key has none, and the new one has it")                                   \
    X(ROLL_RUBBISH, "keychange-200-rubbish", ROLLOVER, "takes the status")                         \
    /* the account that a key has: 7.3.1 */                                                        \
    X(FIND_DENIED, "existing-account-denied", FIND,                                                \
      "keeps both keys, makes no account, comes back")                                             \
    X(FIND_400, "existing-account-400", FIND, "keeps both keys, makes no account, comes back")     \
    X(FIND_MAKES, "onlyreturnexisting-makes-one", FIND,                                            \
      "does not take it for its own; the old key's account decides")                               \
    X(FIND_201, "existing-account-201", FIND, "takes it")                                          \
    X(FIND_NOWHERE, "existing-account-without-location", FIND, "keeps both keys, comes back")      \
    X(FIND_HOST, "existing-account-at-169.254", FIND, "keeps both keys, does not use it")          \
    X(FIND_OTHER, "existing-account-is-another", FIND, "keeps both keys, comes back")              \
    /* the account: 7.1.2, 7.3.2 */                                                                \
    X(UPD_IGNORED, "contact-update-ignored", CONTACT, "tells what the CA has")                     \
    X(UPD_INVALID, "contact-update-refused", CONTACT, "says so; the account stays")                \
    X(UPD_LOST, "contact-update-answer-lost", CONTACT, "asks again")                               \
    X(ACCT_ORDERS, "account-orders-url-rubbish", CONTACT, "does not look at it")                   \
    X(ACCT_CONTACTS, "account-contacts-hostile", CONTACT, "shows a few, made harmless")            \
    X(ACCT_WORD, "account-status-unknown", CONTACT,                                                \
      "shows it made harmless; a deactivation is not done")                                        \
    /* its end: 7.3.6 */                                                                           \
    X(DEACT_STILL_VALID, "deactivation-answered-valid", DEACTIVATION,                              \
      "it is not done: keeps the key, says so")                                                    \
    X(DEACT_REFUSED, "deactivation-refused", DEACTIVATION,                                         \
      "asks what the account is, keeps the key")                                                   \
    X(DEACT_ALREADY, "account-deactivated-by-others", DEACTIVATION,                                \
      "asks what the account is; forgets the key")                                                 \
    X(DEACT_LOST, "deactivation-answer-lost", DEACTIVATION,                                        \
      "asks again, then what it is; forgets the key")                                              \
    X(DEACT_500, "deactivation-500-but-done", DEACTIVATION,                                        \
      "asks again, then what it is; forgets the key")                                              \
    X(DEACT_EMPTY, "deactivation-without-body", DEACTIVATION, "takes the status")                  \
    /* revocation: 7.6 */                                                                          \
    X(REV_LOST, "revocation-answer-lost", REVOCATION,                                              \
      "does not renew; asks again: alreadyRevoked is success")                                     \
    X(REV_500_DONE, "revocation-500-but-done", REVOCATION,                                         \
      "does not renew; asks again: alreadyRevoked is success")                                     \
    X(REV_ALREADY, "revocation-already-revoked", REVOCATION, "that is success")                    \
    X(REV_REASON, "revocation-bad-reason", REVOCATION,                                             \
      "says so; the certificate stays in service")                                                 \
    X(REV_UNAUTHORIZED, "revocation-unauthorized", REVOCATION,                                     \
      "says so; the certificate stays in service")                                                 \
    X(REV_UNKNOWN, "revocation-404", REVOCATION, "says so; the certificate stays in service")      \
    X(REV_RATE, "revocation-rate-limited", REVOCATION, "stays away so long; does not renew")       \
    X(REV_RUBBISH, "revocation-200-rubbish", REVOCATION, "takes the status")                       \
    /* one of several CAs, for all of a period (servers.h) */                                      \
    X(SRV_DOWN, "ca-gone", SERVERS, "asks the next one in time; the first again when it is well")  \
    X(SRV_UNTRUSTED, "ca-untrusted", SERVERS,                                                      \
      "asks the next one, which shows its own certificate")                                        \
    X(SRV_503, "ca-503-for-days", SERVERS, "waits as long as the life allows, asks the next one")  \
    X(SRV_ACCOUNT, "ca-refuses-accounts", SERVERS, "asks the next one")                            \
    X(SRV_ORDERS, "ca-refuses-orders", SERVERS, "asks the next one; keeps its account")            \
    X(SRV_RATE, "ca-limits-orders-for-days", SERVERS, "stays away from this one alone")            \
    X(SRV_CAA, "caa-forbids-this-ca", SERVERS, "asks the next one, which may issue")               \
    X(SRV_BLIND, "ca-sees-no-proof", SERVERS,                                                      \
      "rehearses; a proof that was seen there is this CA's fault, and the next one is asked")

enum evil_id {
#define EVIL_ENUM(id, name, group, words) EVIL_##id,
    EVIL_TABLE(EVIL_ENUM)
#undef EVIL_ENUM
        EVIL_COUNT
};

#define EVIL_JOBS    EVIL_DIR_NO_CHANGE /* from here on: only what jobs.c has chosen */
#define EVIL_SERVERS EVIL_SRV_DOWN      /* from here on: only what servers.c has chosen */
#define EVIL_ACTIVE  9

struct evil {
    struct sim_world *world;
    bool on;
    bool stays; /* what is of SERVERS goes on though the others are over */
    unsigned count;
    struct {
        uint8_t id;
        uint16_t permille; /* at each opportunity */
        uint16_t left;     /* times */
    } active[EVIL_ACTIVE];
};

/* How often each was reached, over all seeds of the process. */
extern uint64_t evil_reached[EVIL_COUNT];

void evil_init(struct evil *e, struct sim_world *w);
/* A few of the catalogue, by chance. */
void evil_choose(struct evil *e);
/* One to three of this group, often. */
void evil_choose_of(struct evil *e, const char *group);
/* Is one of them of this group? */
bool evil_of(const struct evil *e, const char *group);
void evil_add(struct evil *e, enum evil_id id, uint16_t permille, uint16_t times);
/* Is it done here and now? */
bool evil_does(struct evil *e, enum evil_id id);
bool evil_has(const struct evil *e, enum evil_id id);
const char *evil_name(enum evil_id id);
const char *evil_group(enum evil_id id);
const char *evil_words(enum evil_id id);

#endif
