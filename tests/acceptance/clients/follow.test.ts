// What follow.ts does with answers that the service gives seldom, and proxies more often.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";

import { follow, Refused, type Options } from "./follow.js";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const STATUS = { currentGenerationStatus: "generating_content", currentStatus: "Создание" };
const FINISHED = { ...STATUS, currentGenerationStatus: "completed" };
const event = (name: string, data: object) => `id: ${name}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const events = (text: string): Answer => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" }).end(text);
};
const status = (code: number, headers: Record<string, string> = {}, body: object = {}): Answer => (response) => {
  response.writeHead(code, { "Content-Type": "application/json", ...headers }).end(code === 304 ? "" : JSON.stringify(body));
};

/** Follows a course of a server that gives these answers one after another; what was shown, and what was asked when. */
async function followed(answers: Answer[], options: Partial<Options> = {}) {
  const asked: { path: string; at: number; headers: IncomingMessage["headers"] }[] = [];
  const shown: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url!.split("/").at(-1)!, at: performance.now(), headers: request.headers });
    (answers[asked.length - 1] ?? status(404))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const onStatus = (course: unknown) => shown.push(course);
  try {
    const end = await follow(api, "геология", { token: () => "t", onStatus, pollMs: 1, ...options }).catch((error) => error);
    return { end, shown, asked, pauses: asked.slice(1).map((one, n) => one.at - asked[n]!.at) };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
/** A stream that ends at once, and is opened again at once. */
const first = events(`retry: 1\n\n${event("one", STATUS)}`);
const paths = (asked: { path: string }[]) => asked.map(({ path }) => path);

describe("follow", { concurrency: true }, () => {
  test("a stream that ends is opened again after the time that it named, and goes on where it was", async () => {
    const { end, shown, asked, pauses } = await followed([
      events(`retry: 1500\n\n${event("one", STATUS)}`),
      events(`retry: 30\n\n`),
      events(event("final", FINISHED)),
    ]);
    assert.deepEqual([end, shown], [FINISHED, [STATUS, FINISHED]]);
    assert.deepEqual(asked.map(({ headers }) => headers["last-event-id"]), [undefined, "one", "one"]);
    assert.ok(pauses[0]! >= 1499 && pauses[1]! < 1499, `${pauses}`);
  });

  test("an event is read however it is cut, with either end of a line", async () => {
    const bytes = Buffer.from(`retry: 1\r\n\r\n:\r\n\r\n${event("final", FINISHED).replaceAll("\n", "\r\n")}`);
    const { end } = await followed([
      async (response) => {
        for (const byte of bytes) {
          response.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
        response.end();
      },
    ]);
    assert.deepEqual(end, FINISHED);
  });

  test("a client that has seen the end is told so", async () => {
    const { end, shown } = await followed([first, status(204)]);
    assert.deepEqual([end, shown], [STATUS, [STATUS]]);
  });

  test("without a stream it polls, with the tag that it knows, and tries the stream again later", async () => {
    const same = { ETag: '"one"' };
    const { end, shown, asked } = await followed([
      first,
      status(503, { "Retry-After": "0" }),
      ...Array<Answer>(15).fill(status(304, same)),
      status(502),
      status(200, { ETag: 'W/"two"' }, FINISHED),
    ]);
    assert.deepEqual([end, shown], [FINISHED, [STATUS, FINISHED]]);
    const polls = Array<string>(15).fill("check-status");
    assert.deepEqual(paths(asked), ["events", "events", ...polls, "events", "check-status"]);
    assert.equal(asked.at(-1)!.headers["if-none-match"], '"one"');
  });

  test("a stream whose bytes are held back is left for polls", async () => {
    const held: Answer = (response) => response.writeHead(200).flushHeaders();
    const { end, asked } = await followed([first, held, status(200, {}, FINISHED)], { firstByteMs: 2_000 });
    assert.deepEqual([end, paths(asked)], [FINISHED, ["events", "events", "check-status"]]);
  });

  test("a stream that falls silent is left", async () => {
    const { end, asked } = await followed(
      [(response) => response.write(`retry: 1\n\n${event("one", STATUS)}`), events(event("final", FINISHED))],
      { silenceMs: 100 },
    );
    assert.deepEqual([end, paths(asked)], [FINISHED, ["events", "events"]]);
  });

  test("it waits as long as it was told, and longer after each failure", async () => {
    const slower = events(`retry: 50\n\n${event("one", STATUS)}`);
    const { pauses } = await followed([slower, status(429, { "Retry-After": "1" }), ...Array<Answer>(3).fill(status(500))]);
    assert.ok(pauses[1]! >= 999 && pauses[2]! >= 99 && pauses[3]! >= 199 && pauses[4]! >= 399, `${pauses}`);
  });

  test("a date as Retry-After leaves the pause as it is", async () => {
    const date = { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" };
    const { pauses } = await followed([events("retry: 200\n\n"), status(503, date), events(event("final", FINISHED))]);
    assert.ok(pauses[1]! >= 199, `${pauses}`);
  });

  test("an expired token is replaced, and one that stays invalid ends it", async () => {
    const tokens = ["a", "b"];
    const token = () => tokens.shift() ?? "c";
    const renewed = await followed([first, status(401), status(200, {}, FINISHED)], { token });
    assert.deepEqual(renewed.asked.map(({ headers }) => headers.authorization), ["Bearer a", "Bearer b", "Bearer c"]);
    const invalid = status(401, {}, { code: "unauthorized", error: "Unauthorized" });
    const refused = await followed([first, invalid, invalid]);
    assert.ok(refused.end instanceof Refused && refused.end.code === "unauthorized");
    assert.equal(refused.asked.length, 3);
  });

  test("what is not the caller's is refused at once", async () => {
    const { end, asked } = await followed([status(403, {}, { code: "forbidden", error: "Forbidden" })]);
    assert.ok(end instanceof Refused && end.status === 403 && end.message === "Forbidden");
    assert.equal(asked.length, 1);
  });

  test("a signal ends it, in a stream, in a pause and before the first request", async () => {
    const opened: Answer = (response) => response.write("retry: 1\n\n");
    for (const answer of [opened, status(503, { "Retry-After": "60" })]) {
      const stop = new AbortController();
      const answered: Answer = (response, request) => {
        answer(response, request);
        setTimeout(() => stop.abort(new Error("left")), 50);
      };
      const { end, asked } = await followed([answered], { signal: stop.signal });
      assert.deepEqual([end.message, asked.length], ["left", 1]);
    }
    const never = await followed([], { signal: AbortSignal.abort(new Error("left")) });
    assert.deepEqual([never.end.message, never.asked.length], ["left", 0]);
  });
});
