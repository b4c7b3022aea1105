// Starts the generation of a course with the tRPC client, follows it by polling, and receives its webhooks.
//   API, TOKEN, COURSE_ID, WEBHOOK_SECRET   as `make run` prints them

import { createTRPCUntypedClient, httpBatchLink } from "@trpc/client";
import { setTimeout as sleep } from "node:timers/promises";
import { FINAL, receive } from "./webhooks.js";

const { API, TOKEN, COURSE_ID, WEBHOOK_SECRET } = process.env as Record<string, string>;

interface Started {
  jobId: string;
  courseId: string;
}
interface Status {
  currentGenerationStatus: string;
  generationProgress: { percentage: number; message: string };
}

const trpc = createTRPCUntypedClient({
  links: [httpBatchLink({ url: `${API}/trpc`, headers: { Authorization: `Bearer ${TOKEN}` } })],
});
const webhooks = await receive(WEBHOOK_SECRET);

const input = { courseId: COURSE_ID, webhookUrl: webhooks.url };
const started = (await trpc.mutation("generation.initiate", input)) as Started;
console.log(`started ${started.jobId}`);

let course: Status;
let shown = "";
const until = Date.now() + 600_000;
do {
  course = (await trpc.query("generation.status", { courseId: COURSE_ID })) as Status;
  const line = `${course.generationProgress.percentage} % ${course.generationProgress.message}`;
  if (line !== shown) console.log((shown = line));
  await sleep(500);
} while (!FINAL.includes(course.currentGenerationStatus) && Date.now() < until);

const told = await Promise.race([webhooks.last, sleep(30_000, "nothing", { ref: false })]);
webhooks.close();
console.log(course.currentGenerationStatus);
process.exitCode = course.currentGenerationStatus === "completed" && told === "completed" ? 0 : 1;
