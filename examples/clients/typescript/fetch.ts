// Starts the generation of a course with fetch, follows it live, and receives its webhooks.
//   API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET   as the files of `make run` set them

import { follow } from "./follow.js";
import { receive } from "./webhooks.js";

const { API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET } = process.env as Record<string, string>;
const webhooks = await receive(WEBHOOK_SECRET);

// One key for each generation, the same on every retry: however often this request is sent, one generation starts.
const answer = await fetch(`${API}/api/coursegen/generate`, {
  method: "POST",
  headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
  body: JSON.stringify({ courseId: COURSE_ID, webhookUrl: webhooks.url }),
  signal: AbortSignal.timeout(10_000),
});
const started = await answer.json();
if (!answer.ok) {
  console.error(`${answer.status} ${started.error} (${started.code}, request ${started.requestId})`);
  process.exit(1);
}
console.log(`started ${started.jobId}`);

const course = await follow(API, SLUG, {
  token: () => TOKEN,
  onStatus: ({ generationProgress }) => console.log(`${generationProgress?.percentage} % ${generationProgress?.message}`),
  signal: AbortSignal.timeout(600_000),
});
const told = await Promise.race([webhooks.last, new Promise((resolve) => setTimeout(resolve, 30_000, "nothing").unref())]);
webhooks.close();
console.log(course.currentGenerationStatus);
process.exitCode = course.currentGenerationStatus === "completed" && told === "completed" ? 0 : 1;
