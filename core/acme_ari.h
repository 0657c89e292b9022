/* acme_ari.h - ACME Renewal Information (RFC 9773): when the CA wants a certificate to be renewed
 *
 * Pure functions; the agent's part is acme_steps_ari.c, which is a link choice.
 */
#ifndef ACME_ARI_H
#define ACME_ARI_H

#include "acme_cert.h"

/* The certificate's name in ARI (4.1): base64url(AKI keyIdentifier) "." base64url(serial), with NUL
 * into out. False (and "") when there is no AKI, or it does not fit. */
bool acme_ari_id(const struct acme_cert_facts *facts, char *out, size_t room);

/* The moment to renew at, chosen in the CA's window (4.2), for a certificate with these dates;
 * random: 32 random bits. 0: the window is absurd, and not taken as an answer: it ends before it
 * starts or a day before the certificate began, or starts when less than half of the reserve that
 * the lifetime rule keeps is left. The moment is never later than that, and never before the
 * certificate is an eighth of its life, or 6 hours, old: a CA that always says "now" is not asked
 * for a new certificate all day. */
int64_t acme_ari_choose(int64_t start, int64_t end, int64_t not_before, int64_t not_after,
                        uint32_t random);

#endif
