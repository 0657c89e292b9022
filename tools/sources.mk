# Every source file of the library, once. Build systems of other platforms read these lists.

SRC_PORT = port/acme_err.c

SRC_CORE = \
	core/acme_agent.c \
	core/acme_b64.c \
	core/acme_buf.c \
	core/acme_cert.c \
	core/acme_crypto.c \
	core/acme_csr.c \
	core/acme_der.c \
	core/acme_exchange.c \
	core/acme_http.c \
	core/acme_json.c \
	core/acme_jws.c \
	core/acme_name.c \
	core/acme_objects.c \
	core/acme_sched.c \
	core/acme_steps.c \
	core/acme_steps_order.c \
	core/acme_store.c \
	core/acme_time.c \
	core/acme_tls.c

SRC_SOLVERS = solvers/http01.c

SRC_PORT_POSIX = \
	port/posix/posix_slots.c \
	port/posix/posix_sys.c \
	port/sockets/sockets_net.c

SRC_PORT_FLASH = \
	port/flash/flash_gc.c \
	port/flash/flash_log.c \
	port/flash/flash_mount.c \
	port/flash/flash_op.c \
	port/flash/flash_slots.c
SRC_PORT_LWIP = port/lwip/lwip_net.c

SRC_TOOL = \
	tools/lwacme/main.c
