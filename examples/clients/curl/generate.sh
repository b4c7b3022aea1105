#!/usr/bin/env bash
# Starts the generation of a course and follows it. Needs curl.
#   API, TOKEN, COURSE_ID, SLUG   as the files of `make run` set them
#   WEBHOOK_URL                   where webhooks go; optional
set -euo pipefail

authorization="Authorization: Bearer $TOKEN"
payload="{\"courseId\": \"$COURSE_ID\"}"
if [[ -n ${WEBHOOK_URL:-} ]]; then
    payload="{\"courseId\": \"$COURSE_ID\", \"webhookUrl\": \"$WEBHOOK_URL\"}"
fi

# One key for each generation, the same on every retry: however often this request is sent, one generation starts.
curl -sS --fail-with-body --retry 3 "$API/api/coursegen/generate" -H "$authorization" \
    -H "Content-Type: application/json" -H "Idempotency-Key: $(openssl rand -hex 16)" -d "$payload"
echo

# Server-sent events: the first at once, then one for each change. The stream ends with the generation.
curl -sS -N --fail-with-body --max-time 600 "$API/api/courses/$SLUG/events" -H "$authorization" |
    while IFS= read -r line; do
        [[ $line == data:* ]] || continue
        printf '%s\n' "$line" | sed -E 's/.*"currentGenerationStatus": ?"([a-z_]+)".*/\1/'
        if [[ $line =~ \"currentGenerationStatus\":\ ?\"(completed|failed|cancelled)\" ]]; then break; fi
    done
