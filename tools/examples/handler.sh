#!/bin/sh
# handler.sh - a handler for `lwacme issue --external handler=PATH`
#
# http-01 into a web root, dns-01 by a person who reads this script's stderr. WEBROOT names the web
# root. $1 is the command; every member of the message is a variable, plain and with cbot_ before it.
set -eu

webroot=${WEBROOT:-/var/www/html}

case $1 in
perform)
    case $type in
    http-01)
        folder=$webroot/.well-known/acme-challenge
        mkdir -p "$folder"
        printf '%s' "$validation" >"$folder/${key_auth%%.*}"
        ;;
    dns-01)
        # In dialect 1 the record's name is `domain`, in dialect 2 `txt_domain`.
        echo "add: ${txt_domain:-$domain}. IN TXT \"$validation\"" >&2
        ;;
    esac
    ;;
cleanup)
    if [ "$type" = http-01 ]; then
        rm -f "$webroot/.well-known/acme-challenge/$token"
    fi
    ;;
pre-perform | post-perform | pre-cleanup | post-cleanup | deploy_cert | unchanged_cert) ;;
*)
    printf NotImplemented # a later version's command: a warning, no failure
    exit 1
    ;;
esac
