# Every source file of the library, once. Build systems of other platforms read these lists.

SRC_PORT = port/acme_crc32.c port/acme_err.c

# Boards whose keys are P-256 take core/acme_crypto_norsa.c.
SRC_CRYPTO_RSA ?= core/acme_crypto_rsa.c

# Boards whose CA asks for no external account binding take core/acme_steps_noeab.c.
SRC_EAB ?= core/acme_eab.c core/acme_steps_eab.c

# Boards without room for renewal information (RFC 9773) take core/acme_steps_noari.c.
SRC_ARI ?= core/acme_ari.c core/acme_steps_ari.c

# Boards where nobody can ask for a certificate that is not due take core/acme_steps_norecent.c.
SRC_RECENT ?= core/acme_steps_recent.c

# Boards with one way of proof take core/acme_steps_nochoice.c.
SRC_CHOICE ?= core/acme_steps_choice.c

# Boards where 300 bytes count for more than the CA's requests take core/acme_steps_nopace.c.
SRC_PACE ?= core/acme_steps_pace.c

# Boards that take the CA's default chain take core/acme_steps_nochain.c.
SRC_CHAIN ?= core/acme_steps_chain.c

# Boards without revocation and the jobs of an account take core/acme_steps_nojob.c.
SRC_JOB ?= core/acme_steps_job.c core/acme_steps_account.c core/acme_steps_roll.c

# Boards with one CA take core/acme_steps_noservers.c.
SRC_SERVERS ?= core/acme_servers.c core/acme_steps_servers.c

# Boards, which make their own keys, take core/acme_csr_noread.c.
SRC_CSR ?= core/acme_csr_read.c

# Boards that prove no name by tls-alpn-01 leave these and solvers/tls_alpn01.c out: wolfSSL then
# needs no server.
SRC_TLS_SERVER ?= core/acme_alpn_cert.c core/acme_tls_hello.c core/acme_tls_server.c
SRC_TLS_ALPN01 ?= solvers/tls_alpn01.c

SRC_CORE = \
	core/acme_agent.c core/acme_aside.c core/acme_status.c \
	core/acme_b64.c \
	core/acme_buf.c \
	core/acme_cert.c \
	core/acme_chain.c \
	core/acme_crypto.c \
	core/acme_crypto_key.c \
	core/acme_crypto_verify.c \
	$(SRC_CRYPTO_RSA) \
	core/acme_csr.c \
	core/acme_der.c \
	$(SRC_ARI) \
	$(SRC_CHAIN) \
	$(SRC_CSR) \
	$(SRC_EAB) \
	$(SRC_JOB) \
	$(SRC_SERVERS) \
	$(SRC_RECENT) \
	$(SRC_CHOICE) \
	core/acme_event_json.c \
	core/acme_exchange.c \
	core/acme_http.c \
	core/acme_http_chunked.c \
	core/acme_http_link.c \
	core/acme_init.c \
	core/acme_json.c \
	core/acme_jwk_read.c \
	core/acme_jws.c \
	core/acme_name.c \
	core/acme_objects.c \
	core/acme_pem.c \
	core/acme_provision.c \
	core/acme_records.c \
	core/acme_records_load.c \
	core/acme_reply.c \
	core/acme_sched.c \
	core/acme_steps.c \
	core/acme_steps_authz.c \
	core/acme_steps_cert.c \
	core/acme_steps_order.c \
	$(SRC_PACE) \
	core/acme_steps_proof.c \
	core/acme_steps_load.c \
	core/acme_steps_rest.c \
	core/acme_store.c \
	core/acme_time.c \
	core/acme_tls.c \
	$(SRC_TLS_SERVER) \
	core/acme_url.c

# Boards without dns-account-01 take solvers/dns_label_noaccount.c.
SRC_DNS_ACCOUNT ?= solvers/dns_label_account.c

# Of dns-persist-01, and of dns-01 by acme-dns: boards take what they need.
SRC_DNS_PERSIST ?= solvers/dns_persist.c solvers/dns_persist01.c
SRC_ACMEDNS ?= solvers/acmedns_account.c solvers/dns01_acmedns.c

SRC_SOLVERS = \
	$(SRC_ACMEDNS) \
	$(SRC_DNS_PERSIST) \
	solvers/dns01_2136.c \
	solvers/dns01_stored.c \
	solvers/dns_label.c $(SRC_DNS_ACCOUNT) \
	solvers/dns_msg.c \
	solvers/dns_seek.c \
	solvers/dns_tsig.c \
	solvers/http01.c \
	$(SRC_TLS_ALPN01)

# Challenges solved outside of the agent. Boards take it when they have a channel for it.
SRC_EXTERNAL = solvers/external.c solvers/external_format.c \
	solvers/external_lookup.c solvers/external_tls.c solvers/external_verify.c

SRC_PORT_POSIX = \
	port/posix/posix_channel.c \
	port/posix/posix_key.c \
	port/posix/posix_slots.c \
	port/posix/posix_sys.c \
	port/sockets/sockets_lookup.c \
	port/sockets/sockets_net.c \
	port/sockets/sockets_wait.c

SRC_PORT_FLASH = \
	port/flash/flash_gc.c \
	port/flash/flash_log.c \
	port/flash/flash_mount.c \
	port/flash/flash_op.c \
	port/flash/flash_slots.c
SRC_PORT_LWIP = port/lwip/lwip_hooks.c port/lwip/lwip_listen.c port/lwip/lwip_net.c

SRC_TOOL = \
	tools/lwacme/alarm.c \
	tools/lwacme/binding.c \
	tools/lwacme/byhand.c \
	tools/lwacme/caa.c \
	tools/lwacme/command.c \
	tools/lwacme/conf.c \
	tools/lwacme/conf_check.c \
	tools/lwacme/conf_line.c \
	tools/lwacme/conf_read.c \
	tools/lwacme/confine.c \
	tools/lwacme/csr.c \
	tools/lwacme/daemon.c \
	tools/lwacme/deploy.c \
	tools/lwacme/dns_ask.c \
	tools/lwacme/exit.c \
	tools/lwacme/doctor.c \
	tools/lwacme/doctor_ca.c \
	tools/lwacme/doctor_dns.c \
	tools/lwacme/doctor_dns01.c \
	tools/lwacme/doctor_http.c \
	tools/lwacme/doctor_store.c \
	tools/lwacme/doctor_tls.c \
	tools/lwacme/doctor_who.c \
	tools/lwacme/facts.c \
	tools/lwacme/files.c \
	tools/lwacme/outside.c \
	tools/lwacme/outside_files.c \
	tools/lwacme/frame.c \
	tools/lwacme/full.c \
	tools/lwacme/help.c \
	tools/lwacme/hook.c \
	tools/lwacme/hook_run.c \
	tools/lwacme/import.c \
	tools/lwacme/import_find.c \
	tools/lwacme/import_tell.c \
	tools/lwacme/install.c \
	tools/lwacme/issue.c \
	tools/lwacme/job.c \
	tools/lwacme/json.c \
	tools/lwacme/log.c \
	tools/lwacme/keyfile.c \
	tools/lwacme/main.c \
	tools/lwacme/metrics.c \
	tools/lwacme/notify.c \
	tools/lwacme/options.c \
	tools/lwacme/options_solve.c \
	tools/lwacme/options_table.c \
	tools/lwacme/owed.c \
	tools/lwacme/person.c \
	tools/lwacme/privilege.c \
	tools/lwacme/publish.c \
	tools/lwacme/publish_acmedns.c \
	tools/lwacme/runner.c \
	tools/lwacme/pretty.c \
	tools/lwacme/secret.c \
	tools/lwacme/serve.c \
	tools/lwacme/show.c \
	tools/lwacme/solve.c \
	tools/lwacme/solve_more.c \
	tools/lwacme/staged.c \
	tools/lwacme/staged_files.c \
	tools/lwacme/staged_memory.c \
	tools/lwacme/staged_options.c \
	tools/lwacme/staged_tell.c \
	tools/lwacme/status.c \
	tools/lwacme/tell.c \
	tools/lwacme/trust.c \
	tools/lwacme/tsig.c \
	tools/lwacme/turn.c \
	tools/lwacme/webroot.c \
	tools/lwacme/world.c

# The command without daemon, configuration file, doctor, metrics, the walk in steps and the accounts of other
# clients.
SRC_TOOL_FULL = $(addprefix tools/lwacme/,byhand.c caa.c conf.c conf_check.c conf_read.c confine.c daemon.c \
	dns_ask.c doctor.c doctor_ca.c doctor_dns.c doctor_dns01.c doctor_http.c doctor_store.c doctor_tls.c doctor_who.c frame.c full.c \
	import.c import_find.c import_tell.c metrics.c notify.c owed.c person.c pretty.c privilege.c publish.c publish_acmedns.c runner.c \
	serve.c solve_more.c staged.c staged_files.c staged_memory.c staged_options.c staged_tell.c tell.c turn.c)
SRC_TOOL_SMALL = $(filter-out $(SRC_TOOL_FULL),$(SRC_TOOL)) tools/lwacme/small.c

# What a device needs before its first start, into a flash image.
SRC_MKCONFIG = tools/mkconfig/mkconfig.c tools/mkconfig/mkconfig_dns.c tools/lwacme/secret.c tools/lwacme/tsig.c

# The records of a flash image or of a state folder's file, as text.
SRC_RECORD_DUMP = \
	tools/record_dump/dump_image.c \
	tools/record_dump/dump_record.c \
	tools/record_dump/record_dump.c
