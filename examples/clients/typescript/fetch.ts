// Starts the generation of a course with fetch, follows it by server-sent events, and receives its webhooks.
//   API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET   as `make run` prints them

import { FINAL, receive } from "./webhooks.js";

const { API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET } = process.env as Record<string, string>;
const authorization = { Authorization: `Bearer ${TOKEN}` };
const webhooks = await receive(WEBHOOK_SECRET);

// One key for each generation, the same on every retry: however often this request is sent, one generation starts.
const answer = await fetch(`${API}/api/coursegen/generate`, {
  method: "POST",
  headers: { ...authorization, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
  body: JSON.stringify({ courseId: COURSE_ID, webhookUrl: webhooks.url }),
  signal: AbortSignal.timeout(10_000),
});
const started = await answer.json();
if (!answer.ok) {
  console.error(`${answer.status} ${started.error} (${started.code}, request ${started.requestId})`);
  process.exit(1);
}
console.log(`started ${started.jobId}`);

// A browser's EventSource cannot send an Authorization header; fetch reads the same stream.
const events = await fetch(`${API}/api/courses/${SLUG}/events`, {
  headers: authorization,
  signal: AbortSignal.timeout(600_000),
});
let status = "";
let rest = "";
const decoder = new TextDecoder();
reading: for await (const chunk of events.body!) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop()!;
  for (const line of lines) {
    if (!line.startsWith("data:")) continue;
    const course = JSON.parse(line.slice("data:".length));
    status = course.currentGenerationStatus;
    console.log(`${course.generationProgress.percentage} % ${course.generationProgress.message}`);
    if (FINAL.includes(status)) break reading;
  }
}
const told = await Promise.race([webhooks.last, new Promise((resolve) => setTimeout(resolve, 30_000, "nothing").unref())]);
webhooks.close();
console.log(status);
process.exitCode = status === "completed" && told === "completed" ? 0 : 1;
