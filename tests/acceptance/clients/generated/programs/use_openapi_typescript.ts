// Starts, polls and cancels a generation with openapi-fetch, on the types that openapi-typescript made.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";

import type { paths } from "../made/openapi-typescript.js";

const { API, TOKEN, COURSE_ID } = process.env as Record<string, string>;
const client = createClient<paths>({ baseUrl: API, headers: { Authorization: `Bearer ${TOKEN}` } });
const course = { params: { path: { slug: COURSE_ID } } };
const body = { courseId: COURSE_ID };

const before = await client.GET("/api/courses/{slug}/check-status", course);
assert.equal(before.data!.currentGenerationStatus, null);
const file: string | null | undefined = before.data!.generationProgress?.files?.[0]?.name;
assert.equal(file, "notes.md");

const started = await client.POST("/api/coursegen/generate", { body });
const success: boolean = started.data!.success;
assert.equal(success, true);
const refused = await client.POST("/api/coursegen/generate", { body });
assert.ok(refused.response.status === 409 && refused.error!.code === "generation_active");

const running = await client.GET("/api/courses/{slug}/check-status", course);
const percentage: number | undefined = running.data!.generationProgress?.percentage;
assert.equal(percentage, 20);
const status: "pending" | "in_progress" | "completed" | "failed" | undefined =
  running.data!.generationProgress?.steps?.[0]?.status;
assert.equal(status, "completed");
// @ts-expect-error: there is no such field
assert.equal(running.data!.generationProgress?.percent, undefined);

assert.equal((await client.GET("/api/courses/{slug}/cancel", course)).data!.canCancel, true);
assert.equal((await client.POST("/api/courses/{slug}/cancel", course)).data!.jobId, started.data!.jobId);
const after = await client.GET("/api/courses/{slug}/check-status", course);
assert.equal(after.data!.currentGenerationStatus, "cancelled");
console.log("cancelled");
