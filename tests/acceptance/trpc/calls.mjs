// Calls through the real client, with what went over the wire meanwhile.

import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from "@trpc/client";

export const LINKS = { httpLink, httpBatchLink, httpBatchStreamLink };

const KEPT = ["content-type", "allow", "retry-after", "www-authenticate", "x-request-id"];

/**
 * Makes all calls in one turn, so that a link that batches sends them together.
 *
 * `calls` are `{method: "mutate" | "query", path, input?}`. Returns `{results, exchanges}`: of each call its `data`, or the
 * `error` as the application would see it; and every request with its answer.
 */
export async function makeCalls({ url, link, headers, calls }) {
  const exchanges = [];
  const recordingFetch = async (target, options) => {
    const response = await fetch(target, options);
    exchanges.push({
      request: {
        method: options.method,
        path: target.slice(target.indexOf("/", "http://".length)),
        headers: options.headers,
        ...(options.body === undefined ? {} : { body: options.body }),
      },
      response: await readResponse(response.clone()),
    });
    return response;
  };
  const client = createTRPCClient({ links: [LINKS[link]({ url, headers, fetch: recordingFetch })] });
  const results = await Promise.all(
    calls.map(async ({ method, path, input }) => {
      const procedure = path.split(".").reduce((place, name) => place[name], client);
      try {
        return { data: await procedure[method](input) };
      } catch (error) {
        return { error: { name: error.name, message: error.message, data: error.data ?? null } };
      }
    }),
  );
  return { results, exchanges };
}

export async function readResponse(response) {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => KEPT.includes(name)));
  return { status: response.status, headers, body: await response.text() };
}
