// Reads calls as JSON, one request a line, and writes what became of them, one line each.

import { createInterface } from "node:readline";

import { makeCalls } from "./calls.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await makeCalls(JSON.parse(line)))}\n`);
}
