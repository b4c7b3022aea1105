// Records what the real client and the real server say to each other: `node record.mjs > exchanges.json`.
//
// The server's procedures are those of the service, decided by the course's id and the token alone, which the tests give
// the same meaning. Whatever is different each time is left out of both.

import { createHTTPServer } from "@trpc/server/adapters/standalone";
import { initTRPC, TRPCError } from "@trpc/server";

import { LINKS, makeCalls, readResponse } from "./calls.mjs";

const course = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const IDLE = course(1);
const ACTIVE = course(2);
const FOREIGN = course(3);
const UNKNOWN = course(4);
const STARTED_BY = { httpLink: course(11), httpBatchLink: course(12), httpBatchStreamLink: course(13) };
const CANCELLED_BY = { httpLink: course(21), httpBatchLink: course(22), httpBatchStreamLink: course(23) };

const t = initTRPC.context().create({ isDev: false });

const procedure = t.procedure
  .use(({ ctx, next }) => {
    if (!ctx.user) throw new TRPCError({ code: "UNAUTHORIZED" });
    return next();
  })
  .input((input) => {
    if (typeof input?.courseId !== "string" || !/^[0-9a-f-]{36}$/.test(input.courseId)) throw new Error("no course");
    return input;
  })
  .use(({ input, next }) => {
    if (input.courseId === UNKNOWN) throw new TRPCError({ code: "NOT_FOUND" });
    if (input.courseId === FOREIGN) throw new TRPCError({ code: "FORBIDDEN" });
    return next();
  });

const router = t.router({
  generation: t.router({
    initiate: procedure.mutation(({ ctx, input }) => {
      if (input.courseId === ACTIVE) throw new TRPCError({ code: "CONFLICT" });
      if (ctx.user === "busy") throw new TRPCError({ code: "TOO_MANY_REQUESTS" });
      return { success: true, jobId: "", message: "Генерация курса инициализирована", courseId: input.courseId };
    }),
    cancel: procedure.mutation(({ input }) => {
      if (input.courseId === IDLE) throw new TRPCError({ code: "CONFLICT" });
      return { success: true, jobId: "", status: "cancelled" };
    }),
    status: procedure.query(({ input }) => ({ courseId: input.courseId })),
  }),
});

const initiate = (courseId, more) => ({ method: "mutate", path: "generation.initiate", input: { courseId, ...more } });
const cancel = (courseId) => ({ method: "mutate", path: "generation.cancel", input: { courseId } });
const status = (courseId) => ({ method: "query", path: "generation.status", input: { courseId } });

/** What each link is to do, each in one turn: whose token, and the calls. */
const turns = (link) => [
  ["owner", status(IDLE)],
  ["owner", status(IDLE), status(UNKNOWN), status(FOREIGN), status(ACTIVE)],
  ["owner", status(UNKNOWN), status(UNKNOWN)],
  ["owner", initiate(STARTED_BY[link], { webhookUrl: null, title: "ignored" }), initiate(ACTIVE)],
  ["owner", initiate(UNKNOWN)],
  ["owner", initiate("no-uuid"), { method: "mutate", path: "generation.initiate" }],
  ["owner", { method: "query", path: "generation.status" }],
  ["owner", cancel(CANCELLED_BY[link]), cancel(IDLE)],
  ["owner", { method: "mutate", path: "generation.begin", input: {} }, cancel(FOREIGN)],
  ["owner", { method: "query", path: "generation.initiate", input: { courseId: IDLE } }],
  ["owner", { method: "mutate", path: "generation.status", input: { courseId: IDLE } }],
  ["busy", initiate(course(5))],
  ["nobody", status(IDLE), { method: "query", path: "generation.none" }],
  ["nobody", initiate(IDLE), cancel(IDLE)],
];

const JSON_TYPE = { "content-type": "application/json" };

/** What the client never sends, and others do. */
const strange = [
  { method: "POST", path: "/generation.initiate", headers: {}, body: "{}" },
  { method: "POST", path: "/generation.initiate", headers: { "content-type": "text/plain" }, body: "{}" },
  { method: "POST", path: "/generation.initiate", headers: JSON_TYPE, body: "{" },
  { method: "POST", path: "/generation.initiate", headers: JSON_TYPE, body: "" },
  { method: "POST", path: "/generation.initiate", headers: JSON_TYPE, body: "[]" },
  { method: "POST", path: "/generation.cancel,generation.cancel?batch=1", headers: JSON_TYPE, body: "{" },
  { method: "POST", path: "/generation.cancel,generation.cancel?batch=1", headers: JSON_TYPE, body: "[]" },
  { method: "POST", path: "/generation.cancel,generation.cancel?batch=1", headers: JSON_TYPE, body: `{"1":{"courseId":"${IDLE}"}}` },
  { method: "POST", path: "/generation.cancel,generation.cancel?batch=1", headers: {}, body: "{}" },
  { method: "POST", path: "/generation.cancel%2Cgeneration.cancel?batch=1", headers: JSON_TYPE, body: `{"0":{"courseId":"${IDLE}"},"7":1}` },
  { method: "POST", path: "/generation.cancel,generation.cancel", headers: JSON_TYPE, body: "{}" },
  { method: "GET", path: `/generation.status?input=${encodeURIComponent(JSON.stringify({ courseId: IDLE }))}`, headers: {} },
  { method: "GET", path: "/generation.status?input=%7B", headers: {} },
  { method: "GET", path: "/generation.status?input=", headers: {} },
  { method: "GET", path: "/generation.status,generation.status?batch=1&input=3", headers: {} },
  { method: "GET", path: "/generation.status,?batch=1", headers: {} },
  { method: "GET", path: "/", headers: {} },
  { method: "PUT", path: "/generation.status", headers: JSON_TYPE, body: "{}" },
  { method: "PUT", path: "/generation.cancel", headers: JSON_TYPE, body: "{}" },
];

const server = createHTTPServer({
  router,
  basePath: "/trpc/",
  createContext: ({ req }) => {
    const user = req.headers.authorization?.slice("Bearer ".length);
    return { user: user === "nobody" ? null : user };
  },
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}/trpc`;

// Requests of one turn end in any order.
const key = ({ request }) => request.path + request.body;

const exchanges = [];
for (const link of Object.keys(LINKS)) {
  for (const [user, ...calls] of turns(link)) {
    const done = await makeCalls({ url, link, headers: { authorization: `Bearer ${user}` }, calls });
    exchanges.push(...done.exchanges.sort((one, other) => (key(one) < key(other) ? -1 : 1)));
  }
}
for (const { method, path, headers, body } of strange) {
  const request = { method, headers: { authorization: "Bearer owner", ...headers }, body: body && new TextEncoder().encode(body) };
  const response = await readResponse(await fetch(url + path, request));
  exchanges.push({ request: { ...request, path: `/trpc${path}`, body }, response });
}
server.close();
process.stdout.write(`${JSON.stringify(exchanges, null, 1)}\n`);
