#!/bin/sh
# dnsapi.sh - a handler that adds TXT records by the dnsapi scripts of an installed acme.sh
#
#     DNSAPI=dns_cf CF_Token=... lwacme issue -d NAME --agree-tos --challenge dns-01 \
#         --external handler=/path/to/dnsapi.sh --external-dialect 2
#
# DNSAPI    the script's name, as for `acme.sh --dns`
# ACMESH    the acme.sh to take; default: of OpenWrt's package, or ~/.acme.sh/acme.sh
# DNSSLEEP  seconds until all servers of the provider have the records; default 20, as acme.sh has it
#
# What the script wants to know (CF_Token, ...) is in the environment, or in acme.sh's account.conf.
set -eu

fail() {
    echo "dnsapi.sh: $*" >&2
    exit 1
}

case $1 in
perform) lw_act="add" ;;
cleanup) lw_act="rm" ;;
post-perform)
    sleep "${DNSSLEEP:-20}"
    exit 0
    ;;
pre-perform | pre-cleanup | post-cleanup | deploy_cert | unchanged_cert) exit 0 ;;
*)
    printf NotImplemented
    exit 1
    ;;
esac

[ "$type" = dns-01 ] || fail "this is for dns-01, not for $type: add --challenge dns-01"
# A cleanup tells the value only there.
[ "$cmd" != validate ] || fail "add --external-dialect 2"
[ -n "$validation" ] || fail "the value is not known: remove the record by hand"

lw_api=${DNSAPI:?is not set: which script of dnsapi, such as dns_cf?}
case $lw_api in *[!a-zA-Z0-9_]*) fail "DNSAPI: $lw_api is no script's name" ;; esac
lw_acmesh=${ACMESH:-/usr/lib/acme/client/acme.sh}
[ -f "$lw_acmesh" ] || [ -n "${ACMESH:-}" ] || lw_acmesh=${HOME:-}/.acme.sh/acme.sh
[ -f "$lw_acmesh" ] || fail "there is no $lw_acmesh: set ACMESH"
lw_script=${lw_acmesh%/*}/dnsapi/$lw_api.sh
[ -f "$lw_script" ] || fail "there is no $lw_script"
lw_record=_acme-challenge.$domain lw_name=$domain lw_value=$validation

# The members of the message have names that those scripts use for what is theirs.
unset cmd type domain token validation uri command key_auth z_domain cert_path key_path port \
    cert_pem key_pem txt_domain status validated error chain_path fullchain_path timestamp \
    cert_timestamp

# acme.sh runs the command that it finds in "$@", and is not written for `set -eu`. What a script
# keeps of a domain lies beside its account.conf, in a file of ours: acme.sh renews nothing of it.
(
    set +eu
    LE_WORKING_DIR=${LE_WORKING_DIR:-${lw_acmesh%/*}}
    LE_CONFIG_HOME=${LE_CONFIG_HOME:-$LE_WORKING_DIR}
    DOMAIN_CONF=$LE_CONFIG_HOME/lwacme_$lw_name.conf
    export LE_WORKING_DIR LE_CONFIG_HOME DOMAIN_CONF
    set -- _initpath "$lw_name"
    . "$lw_acmesh" || exit 1
    . "$lw_script" || exit 1
    "${lw_api}_$lw_act" "$lw_record" "$lw_value"
) >&2
