#!/usr/bin/env python3
"""Break the agent in small ways, one at a time, and see the tests fail.

usage: mutants.py [--build build/host] [--only NAME] [--after NAME] [--seeds N] [--jobs N]
       mutants.py --places     only see that each replacement still has its place: a test suite

Each mutant is one replacement in one source file. The changed file is compiled aside and linked
before the library, so the tree stays as it is. Killed by, the cheap ones first: a few seeds of the
simulation, the unit tests of the agent and of that file, all single power cuts on the storage that it
concerns, N seeds. A mutant that survives is a missing test; the exit status is then 1. It needs `make programs sim-programs`.
"""

import argparse
import concurrent.futures
import glob
import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]

AGENT = "core/acme_agent.c"
REPLY = "core/acme_reply.c"
STEPS = "core/acme_steps.c"
REST = "core/acme_steps_rest.c"
ORDER = "core/acme_steps_order.c"
ISSUED = "core/acme_steps_cert.c"
PROOF = "core/acme_steps_proof.c"
AUTHZ = "core/acme_steps_authz.c"
RECORDS = "core/acme_records.c"
LOAD = "core/acme_records_load.c"
CERT = "core/acme_cert.c"
SCHED = "core/acme_sched.c"
JOB = "core/acme_steps_job.c"
CHOICE = "core/acme_steps_choice.c"
LIFE = "core/acme_steps_account.c"
ROLL = "core/acme_steps_roll.c"
WHICH = "core/acme_servers.c"
SERVERS = "core/acme_steps_servers.c"
HTTP01 = "solvers/http01.c"
FILES = "port/posix/posix_slots.c"
FLASH = "port/flash/flash_slots.c"
FLASH_OP = "port/flash/flash_op.c"
FLASH_LOG = "port/flash/flash_log.c"
FLASH_MOUNT = "port/flash/flash_mount.c"
FLASH_GC = "port/flash/flash_gc.c"

# name, file, what stands there (once), what stands there then
MUTANTS = [
    # the order of record and act
    ("account-url-known-to-ram-alone", AGENT,
     "    a->account_unsaved |= slot == ACME_SLOT_ACCOUNT && n != ACME_OK;\n", ""),
    ("order-not-recorded", ORDER,
     "    next->save = ACME_SAVE_ORDER;\n    return acme_order_next(a, next);",
     "    return acme_order_next(a, next);"),
    ("attempt-not-recorded", STEPS, "    next->save = ACME_SAVE_SCHED;", ""),
    ("account-key-not-recorded", STEPS,
     "    next->save = ACME_SAVE_ACCOUNT | ACME_SAVE_LEDGER;", "    next->save = ACME_SAVE_LEDGER;"),
    ("account-url-not-recorded", STEPS, "    next->save = ACME_SAVE_ACCOUNT;\n", ""),
    ("challenges-not-recorded", PROOF, "next->save = any ? ACME_SAVE_ORDER : 0;",
     "next->save = 0;"),
    ("begun-not-in-record", RECORDS, "        if (a->order.names[i].flags & ORDER_BEGUN)\n",
     "        if (a->order.names[i].flags & 0x8000)\n"),
    ("key-not-in-order-record", RECORDS, "    put_key(&w, ORDER_KEY_TYPE, &a->cert_key);\n", ""),
    ("certificate-over-the-old", ISSUED,
     "a->cert.slot == ACME_SLOT_CERT_A ? ACME_SLOT_CERT_B : ACME_SLOT_CERT_A", "ACME_SLOT_CERT_A"),
    ("sequence-stays", ISSUED, "a->fresh.sequence = a->cert.sequence + 1;",
     "a->fresh.sequence = 1;"),
    ("refused-in-ram-alone", ORDER, "        next->save = ACME_SAVE_SCHED | ACME_SAVE_BACK;",
     "        next->save = ACME_SAVE_SCHED;\n        a->cert = a->fresh;"),
    ("refusals-not-counted", REST, "        acme_sched_rolled_back(&a->sched);\n", ""),
    ("back-to-one-that-is-expired", REST, "previous.not_after > now", "previous.not_after > 0"),
    ("order-stays-open", ORDER,
     "a->order.stale || a->order.dead || a->outcome == ACME_OK", "a->order.stale"),
    ("missing-key-made-and-not-recorded", ISSUED,
     "    if (a->order.open)\n        next->save = ACME_SAVE_ORDER;\n", ""),
    ("account-key-made-at-each-attempt", STEPS,
     "    if (a->account_key.type == ACME_KEY_NONE) {", "    if (a->account_key.type != 77) {"),
    ("newaccount-not-charged", STEPS, "    acme_sched_charge(&a->ledger.account, now);\n", ""),
    ("newaccount-charged-for-nothing", REST,
     "            raise_to(&own, acme_sched_wait(&a->ledger.account, now));", "            ;"),
    ("damaged-ledger-repaired-for-nothing", REST, "        a->ledger.account = worst;\n",
     "        ;\n"),
    ("order-lost-by-a-limit", ORDER, "a->outcome == ACME_E_RATE || a->outcome == ACME_E_SOLVER",
     "a->outcome == ACME_E_SOLVER"),
    # secrets
    ("key-left-in-a-buffer-by-a-write", AGENT,
     "    acme_wipe(room.ptr, a->save_len);\n    a->account_unsaved", "    a->account_unsaved"),
    ("key-left-in-a-buffer-by-a-read", "core/acme_steps_load.c",
     "    acme_wipe(a->config->memory.scratch.ptr, a->config->memory.scratch.len);\n", ""),
    ("key-left-behind-by-an-order", ORDER,
     "        acme_order_reset(&a->order);\n        acme_key_wipe(&a->cert_key);\n    }\n    acme_order_rest",
     "        acme_order_reset(&a->order);\n    }\n    acme_order_rest"),
    # repeats
    ("nonce-reused", REPLY,
     "        a->nonce[0] = '\\0'; /* one use each, whatever comes back (RFC 8555 6.5) */\n", ""),
    ("finalize-repeated-when-lost", STEPS,
     "[ACME_ROW_FINALIZE] = {\"finalize\", ACME_POST_KID, ACME_ROW_LOOK,",
     "[ACME_ROW_FINALIZE] = {\"finalize\", ACME_POST_KID, ACME_ROW_FINALIZE,"),
    ("neworder-repeated-when-lost", STEPS,
     "[ACME_ROW_ORDER] = {\"order\", ACME_POST_KID, ACME_ROW_NONE,",
     "[ACME_ROW_ORDER] = {\"order\", ACME_POST_KID, ACME_ROW_ORDER,"),
    ("nonce-tries-unbounded", REPLY, "if (++a->nonce_tries > NONCE_TRIES_MAX)",
     "if (++a->nonce_tries > 60000)"),
    ("pending-unbounded", ORDER, "    if (++order->rounds > ROUNDS_MAX) {",
     "    if (++order->rounds > 250) {"),
    ("redirects-unbounded", REPLY, "++a->redirects > REDIRECTS_MAX", "++a->redirects > 250"),
    ("account-again-and-again", REPLY, "a->account_retries++ > 0)\n",
     "a->account_retries > 0)\n"),
    # time
    ("retry-after-not-kept", REPLY,
     "    if (seconds == 0 || acme_wall_clock(a, &now) != ACME_OK)\n        return;",
     "    if (seconds < 4000000000u || acme_wall_clock(a, &now) != ACME_OK)\n        return;"),
    ("retry-after-not-in-backoff", SCHED, "    if (by_ca < retry_after_s)", "    if (by_ca > 86400)"),
    ("retry-after-of-polls-ignored", REPLY, "    if (seconds > 0 && acme_rows[a->step].how >= ACME_POST_JWK)",
     "    if (seconds > 4000000000u && acme_rows[a->step].how >= ACME_POST_JWK)"),
    ("open-order-ignored-after-a-boot", STEPS, "    return a->order.open ? ACME_ROW_LOOK : ACME_ROW_CHARGE;",
     "    return a->order.open && a->order.fresh ? ACME_ROW_LOOK : ACME_ROW_CHARGE;"),
    ("orders-not-spaced", SCHED, "    if (orders < 4)\n        return 0;",
     "    if (orders < 60000)\n        return 0;"),
    ("validation-backoff-a-minute", SCHED,
     "    if (failures <= sizeof first / sizeof first[0])\n        return first[failures - 1];",
     "    if (failures > 0 || first[0] == 0)\n        return 60;"),
    ("connection-backoff-a-second", SCHED,
     "        return (uint32_t)(wait / 2 + wait * jitter / (2 * 0xffff));",
     "        return (uint32_t)(wait > 0 ? 1 : jitter);"),
    ("clock-of-the-future-believed", REST, "    if (a->failure.at > now)", "    if (a->failure.at < 0)"),
    ("young-certificate-renewed-at-once", "core/acme_ari.c",
     "    return start > earliest ? start : earliest;", "    return start;"),
    ("young-certificate-of-a-past-window", "core/acme_ari.c", "        return earliest;",
     "        return not_before;"),
    ("young-not-for-short-lives", "core/acme_ari.c",
     "(life / 8 < ARI_YOUNG ? life / 8 : ARI_YOUNG)", "ARI_YOUNG"),
    ("predecessor-of-a-lost-account", REPLY, "    a->cert.same_account = false;\n", ""),
    ("predecessor-of-a-deactivated-account", "core/acme_steps_account.c",
     "    a->cert.same_account = false;\n", ""),
    ("predecessor-of-any-account", "core/acme_steps_ari.c",
     "        out->same_account = memcmp(field->value.ptr, account, sizeof account) == 0;",
     "        out->same_account = true;"),
    ("clock-that-is-ahead-renews-for-ever", ORDER, "        if (a->renewed && acme_wall_clock(a, &now) == ACME_OK &&", "        if (false && acme_wall_clock(a, &now) == ACME_OK &&"),
    ("never-due", SCHED, "    return sch_sub(not_after, life < SCH_SHORT ? life / 2 : life / 3);",
     "    return sch_add(not_after, 40 * ACME_DAY + 0 * life);"),
    # checks
    ("certificate-unchecked", ISSUED, "    return err == ACME_E_CERT ?",
     "    if (err == ACME_E_CERT)\n        err = acme_cert_facts(acme_chain_at(chain, 0), facts);\n"
     "    return err == ACME_E_CERT ?"),
    ("key-match-unchecked", CERT, "        return \"it is for another key than ours\";", "        return NULL;"),
    ("names-unchecked", CERT, "            return \"it has a name that was not asked for\";",
     "            continue;"),
    ("expiry-unchecked", CERT, "        return \"it has expired\";", "        return NULL;"),
    ("signature-unchecked", CERT, "        return \"its signature is wrong\";", "        return NULL;"),
    ("issuer-unchecked", CERT, "        return \"the next one is not its issuer\";", "        return NULL;"),
    ("pem-labels-unchecked", "core/acme_chain.c",
     "        } else if (chain_has_armour(line)) {\n            return ACME_E_CERT;",
     "        } else if (chain_has_armour(line)) {\n            continue;"),
    ("token-unchecked", "core/acme_name.c",
     "    if (token.len < 22 || token.len > ACME_MAX_TOKEN) {\n        return false;",
     "    if (token.len > 0) {\n        return true;"),
    ("hosts-unchecked", "core/acme_url.c", "    if (any_host || url_same_host(directory, url)) {",
     "    if (!any_host || url_same_host(directory, url)) {"),
    ("order-host-unchecked", ORDER,
     "    if (err != ACME_OK || !acme_url_allowed(&a->directory_url, &parts, a->config->any_host))\n"
     "        return acme_fail_note(a, ACME_E_URL, \"the CA's URL for the order\"",
     "    if (err != ACME_OK)\n"
     "        return acme_fail_note(a, ACME_E_URL, \"the CA's URL for the order\""),
    ("foreign-authorization-taken", AUTHZ,
     "    if (err == ACME_OK && !name_is_ours(a, authz->identifier.text))",
     "    if (err > 5 && !name_is_ours(a, authz->identifier.text))"),
    ("crc-unchecked", "core/acme_store.c",
     "        rec_get32(data.ptr + REC_CRC) != rec_crc(data.ptr, length))", "        length > data.len)"),
    # the world left clean
    ("challenge-not-ended", PROOF,
     "            err = solver->ops->end(solver, &c, name_outcome(a, name));",
     "            err = name_outcome(a, name) > 9 ? 1 : ACME_OK;"),
    ("port-80-stays-open", HTTP01,
     "    if (h->live == 0)\n        h01_close(h, &h->listener);\n", ""),
    ("responder-deaf-after-one", HTTP01, "    while (taken < HTTP01_MAX_CONNECTIONS &&",
     "    while (taken < 0 &&"),
    # which way of proof
    ("failed-way-forgotten", CHOICE, "    if (failed != ACME_CHALLENGE_NONE)\n", "    if (failed > 16)\n"),
    ("failed-way-in-ram-alone", RECORDS, "    acme_choice_put(a, &w);\n", ""),
    ("failed-way-no-worse-than-others", CHOICE,
     "(c->names[i] == name ? ACME_MAX_FAILED_WAYS : 0)", "(c->names[i] == name ? 0 : ACME_MAX_FAILED_WAYS)"),
    ("failed-way-kept-at-its-place", CHOICE, "            cho_drop(c, i--);", "            return;"),
    ("failed-way-kept-for-good", ORDER, "        acme_choice_forget(a);\n", ""),
    ("passed-over-and-not-ended", CHOICE,
     "    int err = solver->ops->end(solver, c, ACME_OUTCOME_UNKNOWN);",
     "    int err = solver->ops->types > 99 ? (int)c->type : 0;"),
    ("busy-port-without-another-way", CHOICE, "    if (a->order.passed_err == ACME_OK ||",
     "    if (a->order.passed_err != ACME_OK ||"),
    # jobs: another key, the account's end, revocation
    ("new-key-not-recorded", ROLL,
     "    next->row = ACME_ROW_ROLLOVER;\n    next->save = ACME_SAVE_ACCOUNT;\n    return err;",
     "    next->row = ACME_ROW_ROLLOVER;\n    return err;"),
    ("old-key-forgotten-before-the-answer", RECORDS, "    put_key(&w, ACCOUNT_KEY_TYPE, &a->account_key);",
     "    put_key(&w, ACCOUNT_KEY_TYPE,\n"
     "            a->new_key.type != ACME_KEY_NONE ? &a->new_key : &a->account_key);"),
    ("lost-keychange-repeated-blindly", STEPS,
     "[ACME_ROW_ROLLOVER] = {\"rollover\", ACME_POST_KID, ACME_ROW_WHICH_NEW,",
     "[ACME_ROW_ROLLOVER] = {\"rollover\", ACME_POST_KID, ACME_ROW_ROLLOVER,"),
    ("refused-keychange-believed", ROLL,
     "    a->roll_refused = true;\n    next->row = ACME_ROW_WHICH_OLD;\n    return ACME_OK;\n}\n\n"
     "/* The new key is not",
     "    acme_key_wipe(&a->new_key);\n    next->save = ACME_SAVE_ACCOUNT;\n"
     "    next->row = ACME_ROW_REST;\n    a->outcome = ACME_E_REFUSED;\n    return ACME_OK;\n}\n\n"
     "/* The new key is not"),
    ("key-dropped-while-one-is-on-its-way", ROLL,
     "    if (a->lost_in_run > 0 || a->exchange.single) {\n        a->roll_doubt = true;",
     "    if (a->lost_in_run > 9999) {\n        a->roll_doubt = true;"),
    ("key-dropped-after-a-reboot-while-one-is-on-its-way", ROLL, "    if (!a->roll_doubt)\n", "    if (a->new_key.type != 0)\n"),
    ("refusal-of-a-key-in-ram-alone", JOB, "|| a->roll_noted)) {", "|| false)) {"),
    ("rate-limited-keychange-dropped", ROLL,
     "    if (problem->http_status >= 500 || problem->http_status == 429)\n"
     "        return ACME_E_REFUSED;\n    a->roll_refused = true;",
     "    a->roll_refused = true;"),
    ("whose-account-unchecked", ROLL, "    if (!acme_slice_is(location, a->kid))",
     "    if (location.len == 0)"),
    ("pending-keychange-not-settled", ROLL, "        next->row = ACME_ROW_WHICH_NEW;\n    }\n    a->",
     "    }\n    a->"),
    ("neither-known-drops-one", ROLL, "    if (a->old_unknown)\n        return acme_fail_note(",
     "    if (a->old_unknown)\n        return acme_key_wipe(&a->new_key), next->save = ACME_SAVE_ACCOUNT,"
     " next->row = a->after_roll, ACME_OK;\n    if (a->old_unknown)\n        return acme_fail_note("),
    ("new-key-asked-for-by-the-old-one", STEPS,
     "[ACME_ROW_WHICH_NEW] = {\"which_new\", ACME_POST_NEW,",
     "[ACME_ROW_WHICH_NEW] = {\"which_new\", ACME_POST_JWK,"),
    ("proofs-of-the-key-before", JOB, "    if (a->job->type != ACME_JOB_ROLLOVER)\n        return false;",
     "    if (a->job->type != ACME_JOB_END_)\n        return false;"),
    ("revocation-not-recorded", JOB,
     "    next->save = ACME_SAVE_SCHED;\n    return ACME_OK;\n}\n\n/* The leaf in force",
     "    return ACME_OK;\n}\n\n/* The leaf in force"),
    ("revoked-is-renewed", REST, "    if (a->loaded && acme_job_revoked(a) &&",
     "    if (!a->loaded && acme_job_revoked(a) &&"),
    ("already-revoked-is-a-failure", JOB,
     "    if (problem->type == ACME_PROBLEM_ALREADY_REVOKED)",
     "    if (problem->http_status == 999)"),
    ("refused-revocation-stays", JOB,
     "    a->revoked.state = ACME_NOT_REVOKED;\n    return ACME_SAVE_SCHED;", "    return 0;"),
    ("lost-revocation-taken-back", JOB,
     "        a->lost_in_run > 0 || a->exchange.single || status < 400 || status >= 500 ||\n"
     "        status == 429 ||", "        status == 429 ||"),
    ("deactivated-key-kept", LIFE,
     "    acme_key_wipe(&a->account_key);\n    acme_key_wipe(&a->new_key);\n    a->kid[0] = a->thumbprint[0] = '\\0';\n"
     "    a->cert.same_account", "    a->cert.same_account"),
    ("still-valid-is-deactivated", LIFE,
     "        acme_json_member(root, \"status\") != NULL && !account_over(",
     "        acme_json_member(root, \"status\") == NULL && !account_over("),
    ("standing-account-forgotten", LIFE,
     "    if (!account_over(acme_json_member(root, \"status\")))", "    if (root == NULL)"),
    ("deactivated-twice-is-a-failure", LIFE,
     "    next->row = ACME_ROW_DEACTIVATED;\n    return ACME_OK;", "    return ACME_E_REFUSED;"),
    ("jobs-make-accounts", JOB, "    a->find_account = true;\n", ""),
    ("failed-recovery-stays", JOB,
     "    if (a->job->type == ACME_JOB_RECOVER || a->job", "    if (a->job"),
    ("failed-deactivation-forgotten-in-ram-alone", JOB,
     "ACME_JOB_RECOVER || a->job->type == ACME_JOB_DEACTIVATE)", "ACME_JOB_RECOVER)"),
    ("outcome-of-a-job-hidden", REST, "    if (job) /* who asked", "    if (job && a->asked) /* who asked"),
    ("jobs-deaf-to-newaccount", REST,
     "    if (rest_asks_account(a))\n        raise_to(&wait, acme_account_hold(a, now));",
     "    if (a->job == NULL)\n        raise_to(&wait, acme_account_hold(a, now));"),
    ("job-outlives-its-end", AGENT, "        a->job = NULL; /* who asked takes it for ended */\n", ""),
    ("all-forgotten-with-the-account", JOB, "        a->reload_account = true;", "        a->reload_account = false;"),
    ("busy-storage-spins", "core/acme_steps_load.c", "    next->wait_ms = err == ACME_AGAIN ? 1 : 0; /* the medium is busy */\n", ""),
    ("busy-record-spins", REPLY, "        acme_drive_wait(a, 1, \"the medium\");\n",
     "        event.err = n;\n"),
    # several CAs
    ("second-ca-never-asked", WHICH, "    srv_next(s, f);\n    return true;\n}\n\nbool acme_servers_held",
     "    return false;\n}\n\nbool acme_servers_held"),
    ("first-ca-never-again", WHICH, "    s->turn = s->failures = s->changes = 0;\n    s->rehearsal",
     "    s->failures = s->changes = 0;\n    s->rehearsal"),
    ("hold-of-a-ca-forgotten", WHICH, "    srv_hold(&s->holds[s->turn], f->now, retry_after_s);\n", ""),
    ("life-waits-for-a-ca", WHICH, "    if (f->count < 2 || wait_s == 0 || !srv_urgent(f, wait_s))",
     "    if (f->count < 2 || wait_s < UINT32_MAX || !srv_urgent(f, wait_s))"),
    ("no-rehearsal-after-a-failed-proof", WHICH,
     "    if (fault == ACME_FAULT_PROOF && f->staging)\n        s->rehearsal = ACME_REHEARSAL_OWED;\n", ""),
    ("staging-ca-issues", SERVERS, "    if (a->server != SRV_STAGING || (status", "    if (a->server <= SRV_STAGING || (status"),
    ("rehearsal-for-ever", SERVERS, "    a->servers.rehearsal = ACME_REHEARSAL_PASSED;\n", ""),
    ("staging-ca-blind-for-ever", WHICH, "f->proofs < SRV_REHEARSALS\n", "f->proofs < 9999\n"),
    ("profile-refused-by-anyone", SERVERS,
     "    return a->failure.err != ACME_OK && a->servers.failed == a->server;",
     "    return a->failure.err != ACME_OK;"),
    ("hold-of-one-holds-all", SERVERS, "    return acme_servers_wait(&a->servers, a->server, now);",
     "    return acme_servers_wait(&a->servers, 0, now);"),
    ("records-of-the-other-ca", SERVERS, "    a->server_changed = a->server != from;\n    if (!a->server_changed)",
     "    a->server_changed = false;\n    if (a->server == from)"),
    ("turn-not-stored", SERVERS, "        acme_record_text(w, SERVER_TURN, srv_url(a, s->turn));\n", ""),
    ("window-of-the-other-ca", SERVERS, "? a->cert.server\n           : a->server == SRV_STAGING",
     "? 0\n           : a->server == SRV_STAGING"),
    ("server-of-the-list-out-of-range", SERVERS, "    if (s->turn >= srv_count(a)) /*", "    if (s->turn > SRV_STAGING + 9) /*"),
    # storage of hosts
    ("file-not-synced", FILES, "    else if (ps_fsync(fd) != 0)\n", "    else if (fd < 0)\n"),
    ("folder-not-synced", FILES,
     "        return err;\n    }\n    return ps_fsync(folder) == 0 ? ACME_OK",
     "        return err;\n    }\n    return folder >= 0 ? ACME_OK"),
    ("renamed-before-written", FILES,
     "    int err = ps_write_aside(s, folder, path, data, len);\n\n"
     "    if (err == ACME_OK && renameat(folder, PS_ASIDE, folder, file) != 0)",
     "    int err = ps_write_aside(s, folder, path, data, 0);\n\n"
     "    if (err == ACME_OK && renameat(folder, PS_ASIDE, folder, file) == 0) {\n"
     "        int fd = ps_openat(folder, file, O_WRONLY, 0);\n"
     "        if (fd < 0 || ps_write_all(fd, data, len) != 0 || ps_fsync(fd) != 0)\n"
     "            err = ACME_E_SLOT;\n        close(fd);\n    } else"),
    ("written-in-place", FILES,
     "    int err = ps_write_aside(s, folder, path, data, len);\n\n",
     "    unlinkat(folder, file, 0);\n    int err = ps_write_aside(s, folder, path, data, len);\n\n"),
    ("new-folder-not-synced", FILES, "    if (make && ps_fsync(parent) != 0)", "    if (make && parent < 0)"),
    ("folder-of-the-killed-not-synced", FILES, "    if (!s->read_only && ps_fsync(folder) != 0) {",
     "    if (!s->read_only && folder < 0) {"),
    ("first-use-not-synced", FILES, "        if (syncfs(s->dir_fd) != 0)", "        if (s->dir_fd < 0)"),
    # storage of boards
    ("entry-before-body", FLASH, "            r = w_data(fs, w);\n            fs->w_step = (uint8_t)(r == ACME_OK ? 3 : 2);",
     "            r = fl_put(fs, 0);\n            r = r == ACME_OK ? w_data(fs, w) : r;\n"
     "            fs->w_step = (uint8_t)(r == ACME_OK ? 3 : 2);"),
    ("body-crc-unchecked", FLASH_LOG, "    return crc == e->crc;", "    return crc == e->crc || k != NULL || 1;"),
    ("entry-crc-unchecked", FLASH_LOG,
     " || fl_get32(p + 28) != fl_entry_crc(p, sector, index)) {", " || (p[0] == 0 && fl_entry_crc(p, sector, index))) {"),
    ("torn-commit-not-settled", FLASH_MOUNT, "        fs->tip = r == FL_BLANK;", "        fs->tip = 0;"),
    ("place-in-doubt-not-zeroed", FLASH_OP, "    if (fs->doubt > 1u) {", "    if (fs->doubt > 9u) {"),
    ("page-in-doubt-not-zeroed", FLASH_OP, "    if (fs->blur) {", "    if (fs->blur > 1u) {"),
    ("settled-needs-the-torn-one", FLASH_OP, "            if (!fs->tip) {", "            if (1) {"),
    ("torn-settling-proves", FLASH_MOUNT, "r >= 0 && !fs->tip && fs->table", "r >= 0 && fs->table"),
    ("three-blank-places-end-a-table", FLASH_LOG, "gap < FL_GAP", "gap < 3u"),
    ("new-head-not-marked", FLASH_OP, "    if (!fs->open_marked) {", "    if (fs->open_marked > 9) {"),
    ("erase-not-proven", FLASH_OP, "s.number == 0 || s.number >= fs->tail ? 2", "s.number >= fs->tail ? 2"),
    ("full-by-what-did-not-take", FLASH_GC, "fs->data >= fs->dev->sector_size || fs->tries != 0", "fs->data >= fs->dev->sector_size"),
    ("given-up-head-comes-back", FLASH_MOUNT,
     "        fs->given |= (uint32_t)1 << fs->head % fs->dev->sectors;\n", ""),
    ("tail-before-copies", FLASH_GC, "        fs->gc_index = index;\n        if (r > 0) {",
     "        fs->gc_index = FL_NONE;\n        if (r > 0) {"),
    ("abandoned-for-ever", FLASH, "            fs->mounted = 0; /* what was left", "            /* what was left"),
    ("slow-clients-stay", HTTP01, "age >= HTTP01_DEADLINE_MS", "age >= 3600000"),
]


def run(command, limit=300):
    try:
        done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=limit, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return 1, "ran out of time"


class Bench:
    def __init__(self, build, seeds):
        self.build = build
        self.seeds = seeds
        others = ("/quick.o", "/year.o", "/ca_stream_tls.o", "/sign_real.o")
        self.sim = [p for p in glob.glob(f"{build}/tests/sim/*.o")
                    if not p.endswith(others) and "/fleet" not in p]
        self.flash = [f"{build}/tests/flash/flash_sim.o"] + glob.glob(f"{build}/port/flash/*.o")
        self.sim += glob.glob(f"{build}/port/sim/*.o")
        self.sim += self.flash
        self.library = [f"{build}/liblwacme.a", f"{build}/libwolfssl.a", "-lpthread"]

    def compile(self, source, text, folder):
        path = pathlib.Path(folder) / pathlib.Path(source).name
        path.write_text(text, encoding="utf-8")
        deps = sorted(glob.glob(str(TOP / "build/deps/*")))
        command = ["gcc", "-O1", "-std=c11", "-w", "-D_GNU_SOURCE", "-DWOLFSSL_USER_SETTINGS",
                   "-Iport", "-Icore", "-Isolvers", "-Iboards/linux", "-Iport/flash",
                   "-Iport/sim"]
        command += ["-I" + folder for folder in deps]
        unit = str(path)
        if source == FILES:  # it is compiled with the calls of the simulated file system
            command[1:1] = ["-I" + folder, "-Iport/posix"]
            unit = "tests/sim/storage_posix.c"
        status, words = run(command + ["-c", "-o", str(path.with_suffix(".o")), unit])
        if status != 0:
            raise SystemExit(f"mutants.py: {source} does not compile:\n{words}")
        return str(path.with_suffix(".o"))

    def link(self, objects, program):
        status, words = run(["gcc", "-pie", "-o", program] + objects + self.library)
        if status != 0:
            raise SystemExit(f"mutants.py: {program} does not link:\n{words}")

    def killed(self, mutant, folder):
        """Who notices, or None: the cheap ones are asked first."""
        program = f"{folder}/sim"
        twin = "/" + pathlib.Path(mutant).name  # in its place
        if twin == "/posix_slots.o":
            twin = "/storage_posix.o"
        self.link([mutant] + [p for p in self.sim if not p.endswith(twin)], program)
        servers = "servers" in twin
        who = (self.killed_by_sim("seeds", program,
                                  ["--servers", "--count", "1500"] if servers else ["--count", "60"])
               or self.killed_by_units(mutant, twin, folder))
        for kind in (["files"] if twin == "/storage_posix.o" else
                     ["nor", "ecc", "cfi"] if twin.startswith("/flash_") else ["memory"]):
            who = who or self.killed_by_sim("cuts", program, ["--cuts", "all", "--on", kind])
        return who or self.killed_by_sim("seeds", program, ["--from", "61", "--count", str(self.seeds)])

    @staticmethod
    def killed_by_sim(name, program, mode):
        status, words = run([program, "--stop", "--once"] + mode, 1800)
        return f"{name}: " + first_failure(words) if status != 0 else None

    def killed_by_units(self, mutant, twin, folder):
        if twin == "/storage_posix.o":
            return None
        part = pathlib.Path(mutant).stem.removeprefix("acme_")
        flash = part.startswith("flash_")
        for test in sorted(glob.glob(f"{self.build}/tests/unit/test_*.o")):
            name = pathlib.Path(test).stem
            of = name.removeprefix("test_")
            if not (of.startswith("flash_") if flash else name.startswith("test_agent")
                    or part.startswith(of) or of.startswith(part) or name == "test_crypto"):
                continue
            if part == "exchange" and name.startswith("test_agent"):
                continue  # these have another one in its place
            helpers = []
            if name.startswith("test_agent"):
                helpers = glob.glob(f"{self.build}/tests/unit/agent_*.o")
            if flash:
                helpers = [p for p in self.flash if not p.endswith(twin)]
            program = f"{folder}/{name}"
            self.link([mutant, test] + helpers, program)
            status, words = run([program])
            if status != 0:
                return f"{name}: " + first_failure(words)
        return None


def first_failure(words):
    for line in words.splitlines():
        if line.startswith("not ok") or "invariant" in line:
            return line[:110]
    return "crash" if words else "silence"


def judge(bench, name, source, old, new):
    """Whether it survives, and the line about it."""
    text = (TOP / source).read_text(encoding="utf-8")
    if text.count(old) != 1:
        return True, f"not ok mutant.{name}: {source} does not have its place exactly once"
    with tempfile.TemporaryDirectory() as folder:
        who = bench.killed(bench.compile(source, text.replace(old, new), folder), folder)
    if who is None:
        return True, f"not ok mutant.{name}: it survives"
    return False, f"ok mutant.{name} killed by {who}"


def lost_places():
    """Mutants whose text is not there exactly once: nothing would be broken by them."""
    lost = [name for name, source, old, _ in MUTANTS
            if (TOP / source).read_text(encoding="utf-8").count(old) != 1]
    for name in lost:
        print(f"not ok place.{name}: its source does not have its place exactly once")
    if not lost:
        print("ok places")
    return 1 if lost else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--places", action="store_true")
    parser.add_argument("--build", default="build/host")
    parser.add_argument("--only", default="")
    parser.add_argument("--after", default="", help="go on after this one")
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.places:
        return lost_places()
    bench = Bench(options.build, options.seeds)
    first = [m[0] for m in MUTANTS].index(options.after) + 1 if options.after else 0
    chosen = [m for m in MUTANTS[first:] if options.only in m[0]]
    survived = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for alive, line in pool.map(lambda m: judge(bench, *m), chosen):
            survived += alive
            print(line, flush=True)
    print(f"mutants: {len(chosen)} made, {survived} survived", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    sys.exit(main())
