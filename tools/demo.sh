#!/bin/sh
# make demo: a real ACME CA (Pebble) with its DNS on loopback, one certificate by lwacme, a look at
# it, and everything stopped again. Needs no root: all ports are free ones above 1024.
#
#   tools/demo.sh [path/to/lwacme] [folder of pebble versions]
set -eu

lwacme=${1:-build/host/lwacme}
pebbles=${2:-build/pebble}
dir=build/demo
name=demo.lwacme.test
other=www.demo.lwacme.test

die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

[ -x "$lwacme" ] || die "no program at $lwacme; run 'make' first"
[ -r "$pebbles/newest" ] || die "no test CA below $pebbles; run tools/get_pebble.py first"
version=$(cat "$pebbles/newest")
bin=$(cd "$pebbles/$version/usr/bin" && pwd)
lwacme=$(cd "$(dirname "$lwacme")" && pwd)/$(basename "$lwacme")

rm -rf "$dir"
mkdir -p "$dir"
chmod 700 "$dir"
cd "$dir"

pids=''
stop() {
    status=$?
    trap - EXIT INT TERM
    for p in $pids; do kill "$p" 2>/dev/null || true; done
    for p in $pids; do wait "$p" 2>/dev/null || true; done
    if [ $status -ne 0 ]; then
        printf '\ndemo: stopped with status %s; the logs are in %s\n' "$status" "$dir" >&2
    fi
    exit $status
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Six free ports: the CA, its management, DNS, DNS management, http-01, tls-alpn-01.
# shellcheck disable=SC2046 # six words are wanted
set -- $(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(6)]
print(*(s.getsockname()[1] for s in held))')
acme=$1 manage=$2 dns=$3 dnsmanage=$4 http=$5 tls=$6

step "A private root and a TLS certificate for the test CA's own server"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls-root.key \
    -out tls-root.pem -days 2 -subj "/CN=demo TLS root" 2>openssl.log
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key \
    -out server.csr -subj "/CN=localhost" 2>>openssl.log
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >server.ext
openssl x509 -req -in server.csr -CA tls-root.pem -CAkey tls-root.key -CAcreateserial -days 2 \
    -extfile server.ext -out server.pem 2>>openssl.log
echo "tls-root.pem made; lwacme will trust this root and no other"

step "Pebble $version and its DNS, on loopback"
cat >pebble.json <<END
{ "pebble": { "listenAddress": "127.0.0.1:$acme", "managementListenAddress": "127.0.0.1:$manage",
  "certificate": "server.pem", "privateKey": "server.key", "httpPort": $http, "tlsPort": $tls,
  "ocspResponderURL": "", "externalAccountBindingRequired": false,
  "retryAfter": { "authz": 0, "order": 0 }, "keyAlgorithm": "ecdsa",
  "certificateValidityPeriod": 7776000,
  "profiles": { "default": { "description": "90 days", "validityPeriod": 7776000 } } } }
END
flag=-dnsserver
"$bin/pebble-challtestsrv" -h 2>&1 | grep -q -e "$flag" || flag=-dns01
doh=''
"$bin/pebble-challtestsrv" -h 2>&1 | grep -q -e '-doh ' && doh='-doh='
"$bin/pebble-challtestsrv" -defaultIPv4 127.0.0.1 -defaultIPv6 "" "$flag" "127.0.0.1:$dns" \
    -http01 "" -https01 "" -tlsalpn01 "" $doh -management "127.0.0.1:$dnsmanage" >dns.log 2>&1 &
pids="$pids $!"
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=5 "$bin/pebble" -config pebble.json \
    -dnsserver "127.0.0.1:$dns" >pebble.log 2>&1 &
pids="$pids $!"
python3 - "$acme" "$dnsmanage" <<'END' || die "the test CA did not start: $(tail -3 pebble.log)"
import socket, sys, time
end = time.monotonic() + 20
for port in sys.argv[1:]:
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
            break
        except OSError:
            if time.monotonic() > end:
                sys.exit(1)
            time.sleep(0.05)
END
echo "directory: https://localhost:$acme/dir"
echo "every name resolves to 127.0.0.1 for this CA; it asks for proofs on port $http"

step "lwacme issue -d $name -d $other"
set -- issue -d "$name" -d "$other" -m demo@lwacme.test --agree-tos \
    --server "https://localhost:$acme/dir" --ca-file tls-root.pem --state-dir state \
    --out-dir live --http-port "$http"
echo "\$ lwacme $*"
start=$(date +%s.%N)
"$lwacme" "$@"
end=$(date +%s.%N)
awk "BEGIN { printf \"(%.2f s)\\n\", $end - $start }"

step "The certificate: live/$name/"
ls -l "live/$name/"
openssl x509 -in "live/$name/cert.pem" -noout -ext subjectAltName -issuer -dates -serial

step "openssl verify, against the CA's root"
python3 - "$manage" >ca-root.pem <<'END'
import ssl, sys, urllib.request
ask = urllib.request.Request("https://localhost:%s/roots/0" % sys.argv[1],
                             headers={"User-Agent": "lwacme-demo"})
trust = ssl.create_default_context(cafile="tls-root.pem")
print(urllib.request.urlopen(ask, context=trust, timeout=10).read().decode(), end="")
END
openssl verify -CAfile ca-root.pem -untrusted "live/$name/chain.pem" -verify_hostname "$name" \
    "live/$name/cert.pem"
a=$(openssl pkey -in "live/$name/privkey.pem" -pubout)
b=$(openssl x509 -in "live/$name/cert.pem" -noout -pubkey)
[ "$a" = "$b" ] || die "key and certificate are not a pair"
echo "privkey.pem and cert.pem are a pair"

step "The same command again"
"$lwacme" "$@"

step "lwacme status --state-dir state"
"$lwacme" status --state-dir state
printf '\n%sDone.%s All that was started is being stopped; the files stay in %s.\n' \
    "$bold" "$plain" "$dir"
