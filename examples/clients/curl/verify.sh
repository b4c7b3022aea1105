#!/usr/bin/env bash
# Exits with 0 if a webhook comes from the service and is recent. Needs openssl.
#   verify.sh ID TIMESTAMP SIGNATURE <body     the headers webhook-id, webhook-timestamp, webhook-signature
#   WEBHOOK_SECRET                             the service's, whsec_…
set -euo pipefail

id=$1 timestamp=$2 signatures=$3
age=$(($(date +%s) - timestamp))
((age < 300 && age > -300)) || { echo "too old" >&2; exit 1; }

key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
expected=v1,$({ printf '%s.%s.' "$id" "$timestamp"; cat; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary |
    openssl base64 -A)
# During a change of the secret there are several signatures.
for signature in $signatures; do
    [[ $signature == "$expected" ]] && exit 0
done
echo "not signed by the service" >&2
exit 1
