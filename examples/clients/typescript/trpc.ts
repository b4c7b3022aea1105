// Starts the generation of a course with the tRPC client, follows it by polling, and receives its webhooks.
//   API, TOKEN, COURSE_ID, WEBHOOK_SECRET   as the files of `make run` set them

import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { setTimeout as sleep } from "node:timers/promises";
import type { AppRouter } from "./app-router.js";
import type { CourseStatus } from "./course-status.js";
import { FINAL, receive } from "./webhooks.js";

const { API, TOKEN, COURSE_ID, WEBHOOK_SECRET } = process.env as Record<string, string>;

const trpc = createTRPCClient<AppRouter>({
  links: [httpBatchLink({ url: `${API}/trpc`, headers: { Authorization: `Bearer ${TOKEN}` } })],
});
const webhooks = await receive(WEBHOOK_SECRET);

const started = await trpc.generation.initiate.mutate({ courseId: COURSE_ID, webhookUrl: webhooks.url });
console.log(`started ${started.jobId}`);

let course: CourseStatus;
let shown = "";
const until = Date.now() + 600_000;
do {
  course = await trpc.generation.status.query({ courseId: COURSE_ID });
  const line = `${course.generationProgress?.percentage} % ${course.generationProgress?.message}`;
  if (line !== shown) console.log((shown = line));
  await sleep(500);
} while (!FINAL.includes(course.currentGenerationStatus ?? "") && Date.now() < until);

const told = await Promise.race([webhooks.last, sleep(30_000, "nothing", { ref: false })]);
webhooks.close();
console.log(course.currentGenerationStatus);
process.exitCode = course.currentGenerationStatus === "completed" && told === "completed" ? 0 : 1;
