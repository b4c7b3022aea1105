// Starts, polls and cancels a generation with the client that @hey-api/openapi-ts made.

import assert from "node:assert/strict";

import { client } from "../made/hey-api/client.gen.js";
import { canCancel, cancel, checkStatus, generate, type GenerationProgress } from "../made/hey-api/index.js";

const { API, TOKEN, COURSE_ID } = process.env as Record<string, string>;
client.setConfig({ baseUrl: API, auth: () => TOKEN });
const course = { path: { slug: COURSE_ID } };
const body = { courseId: COURSE_ID };

const before = await checkStatus(course);
assert.equal(before.data!.currentGenerationStatus, null);
const file: string | null | undefined = before.data!.generationProgress?.files?.[0]?.name;
assert.equal(file, "notes.md");

const started = await generate({ body });
const success: boolean = started.data!.success;
assert.equal(success, true);
const refused = await generate({ body });
assert.ok(refused.response!.status === 409 && refused.error!.code === "generation_active");

const running: GenerationProgress | null = (await checkStatus(course)).data!.generationProgress;
const percentage: number | undefined = running?.percentage;
assert.equal(percentage, 20);
assert.equal(running?.steps?.[0]?.status, "completed");
// @ts-expect-error: there is no such field
assert.equal(running?.percent, undefined);

assert.equal((await canCancel(course)).data!.canCancel, true);
assert.equal((await cancel(course)).data!.jobId, started.data!.jobId);
assert.equal((await checkStatus(course)).data!.currentGenerationStatus, "cancelled");
console.log("cancelled");
