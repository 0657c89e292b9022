# The libraries that lwacme stands on, pinned by name and SHA-256. To take a newer release, change
# its lines here and nothing else.
#
# They are the upstream tarballs in the pool of the Debian mirror that this machine's apt uses, or
# files of the same names in DEPS_DIR (then nothing is downloaded). tools/fetch.sh checks the hash
# before anything is unpacked below $(DEPS).

DEPS = build/deps

# Newest first. The second is taken when the mirror has the first no more; WOLFSSL=5.7.2 asks for it.
WOLFSSL_PINS = \
	wolfssl_5.9.2.orig.tar.gz:2f4ef3d4fd387a9b3191d36a6316d69116c46ff69bb9583b6c82b36d7b8ca114 \
	wolfssl_5.7.2.orig.tar.gz:0f2ed82e345b833242705bbc4b08a2a2037a33f7bf9c610efae6464f6b10e305
CJSON_PINS = \
	cjson_1.7.19.orig.tar.gz:7fa616e3046edfa7a28a32d5f9eacfd23f92900fe1f8ccd988c1662f30454562
LWIP_PINS = \
	lwip_2.2.1+dfsg1.orig.tar.xz:83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1

# Debian's pool folder of each.
WOLFSSL_POOL = pool/main/w/wolfssl
CJSON_POOL = pool/main/c/cjson
LWIP_POOL = pool/main/l/lwip

# Where each is unpacked. An explicitly chosen wolfSSL has a folder of its own.
WOLFSSL_DIR = $(DEPS)/wolfssl$(WOLFSSL:%=-%)
CJSON_DIR = $(DEPS)/cjson
LWIP_DIR = $(DEPS)/lwip

# What of wolfSSL is compiled. Files that the settings switch off become empty objects.
SRC_WOLFSSL = \
	src/internal.c src/keys.c src/ssl.c src/tls.c src/tls13.c src/wolfio.c \
	$(addprefix wolfcrypt/src/, aes.c asn.c chacha.c chacha20_poly1305.c coding.c cpuid.c \
	ecc.c error.c hash.c hmac.c kdf.c logging.c memory.c poly1305.c random.c rsa.c sha256.c \
	sha512.c sp_c32.c sp_c64.c sp_int.c sp_x86_64.c wc_encrypt.c wc_port.c wolfmath.c)
SRC_WOLFSSL_X86_64 = $(addprefix wolfcrypt/src/, aes_asm.S aes_gcm_asm.S chacha_asm.S \
	poly1305_asm.S sha256_asm.S sha512_asm.S sp_x86_64_asm.S)

# cJSON is compiled into the library as a private part of acme_json.c: it allocates from the arena
# that acme_json.c gives and reads numbers by its code, so no locale and no C library decides what
# a number is; they are integers (core/acme_cjson.h). Its printer is never used: its calls are
# renamed to functions that only fail, and --gc-sections drops it (fortification would undo the
# renaming).
CJSON_DEFS = -U_FORTIFY_SOURCE -DCJSON_NESTING_LIMIT=16 -DCJSON_HIDE_SYMBOLS \
	-Dmalloc=acme_json_malloc -Dfree=acme_json_free -Drealloc=acme_json_realloc \
	-Dsprintf=acme_json_no_sprintf -Dsscanf=acme_json_no_sscanf -Icore -I$(CJSON_DIR) \
	-include acme_cjson.h

$(WOLFSSL_DIR)/.version: tools/deps.mk tools/fetch.sh
	@tools/fetch.sh $(WOLFSSL_DIR) $(WOLFSSL_POOL) \
		$(if $(WOLFSSL),$(filter wolfssl_$(WOLFSSL).%,$(WOLFSSL_PINS)),$(WOLFSSL_PINS))
$(CJSON_DIR)/.version: tools/deps.mk tools/fetch.sh
	@tools/fetch.sh $(CJSON_DIR) $(CJSON_POOL) $(CJSON_PINS)
$(LWIP_DIR)/.version: tools/deps.mk tools/fetch.sh
	@tools/fetch.sh $(LWIP_DIR) $(LWIP_POOL) $(LWIP_PINS)

$(WOLFSSL_DIR)/%: | $(WOLFSSL_DIR)/.version ;
$(CJSON_DIR)/%: | $(CJSON_DIR)/.version ;
$(LWIP_DIR)/%: | $(LWIP_DIR)/.version ;
