// Follows a course with what Safari has, and prints each status.

import { follow } from "./follow.js";

const lacking: [object, PropertyKey][] = [
  [ReadableStream.prototype, Symbol.asyncIterator],
  [ReadableStream.prototype, "values"],
  [AbortSignal, "any"],
  [AbortSignal, "timeout"],
];
for (const [owner, name] of lacking) Reflect.deleteProperty(owner, name);

const { API, TOKEN, COURSE } = process.env as Record<string, string>;
const course = await follow(API, COURSE, {
  token: () => TOKEN,
  onStatus: ({ generationProgress }) => console.log(generationProgress?.percentage),
  firstByteMs: 2_000,
  silenceMs: 2_000,
  pollMs: 300,
  longestMs: 1_000,
});
console.log(course.currentGenerationStatus);
