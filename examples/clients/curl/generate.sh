#!/usr/bin/env bash
# Starts the generation of a course and follows it. Needs curl.
#   API, TOKEN, COURSE_ID, SLUG   as `make run` prints them
#   WEBHOOK_URL                   who else is told, if anybody
set -euo pipefail

authorization="Authorization: Bearer $TOKEN"
wish="{\"courseId\": \"$COURSE_ID\"}"
if [[ -n ${WEBHOOK_URL:-} ]]; then
    wish="{\"courseId\": \"$COURSE_ID\", \"webhookUrl\": \"$WEBHOOK_URL\"}"
fi

# A key of its own for each wish, the same with every repetition: however often this is sent, one generation starts.
curl -sS --fail-with-body --retry 3 "$API/api/coursegen/generate" -H "$authorization" \
    -H "Content-Type: application/json" -H "Idempotency-Key: $(openssl rand -hex 16)" -d "$wish"
echo

# Server-sent events: the first at once, one for each change, and the stream ends with the generation.
curl -sS -N --fail-with-body --max-time 600 "$API/api/courses/$SLUG/events" -H "$authorization" |
    while IFS= read -r line; do
        [[ $line == data:* ]] || continue
        printf '%s\n' "$line" | sed -E 's/.*"currentGenerationStatus": ?"([a-z_]+)".*/\1/'
        if [[ $line =~ \"currentGenerationStatus\":\ ?\"(completed|failed|cancelled)\" ]]; then break; fi
    done
