// Follows a course until its generation is final, in browsers and in Node: copy this file and course-status.ts. It reads
// server-sent events with fetch, because a browser's EventSource cannot send an Authorization header. It survives restarts
// of the service, lost networks and proxies that hold a stream back, and uses nothing that Safari lacks.

import type { CourseStatus } from "./course-status.js";

export interface Options {
  /** Asked before each request, so that a token that has expired is replaced. */
  token: () => string | Promise<string>;
  /** Called with each new status, also with the last one. */
  onStatus?: (course: CourseStatus) => void;
  signal?: AbortSignal;
  /** A stream that is held back by a proxy has no first byte within this time. */
  firstByteMs?: number;
  /** The service sends a byte every 15 s. */
  silenceMs?: number;
  pollMs?: number;
  /** After failures the pauses grow to this. */
  longestMs?: number;
}

const FINAL = ["completed", "failed", "cancelled"];
/** After a stream that brought nothing, so many polls come before the next stream. */
const POLLS = 15;

/** The service rejected the request, and repeating it would not help. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The service cannot answer now. It may say how long to wait. */
class NotNow extends Error {
  constructor(readonly waitMs: number) {
    super("The service cannot answer now.");
  }
}

/**
 * The status of the course (a slug or an id) once its generation is final. Before the first generation it waits for one.
 * Throws `Refused` if the course is not the caller's or the token stays invalid, and the signal's reason if that aborts.
 */
export async function follow(api: string, course: string, options: Options): Promise<CourseStatus> {
  const { token, onStatus, signal } = options;
  const { firstByteMs = 10_000, silenceMs = 30_000, pollMs = 2_000, longestMs = 30_000 } = options;
  const url = `${api}/api/courses/${encodeURIComponent(course)}`;
  let last: CourseStatus | undefined;
  let seen = ""; // the ETag of the last status, which is also the id of its event
  let retryMs = 2_000;

  function show(id: string, status: CourseStatus): void {
    last = status;
    if (id === seen) return;
    seen = id;
    if (onStatus) queueMicrotask(() => onStatus(status)); // what it throws is no failure of the stream
  }

  /** The answer to a GET, whose body may be read. `alive` says that bytes came. */
  async function get<T>(
    path: string,
    headers: Record<string, string>,
    read: (answer: Response, alive: () => void) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const abort = () => stop.abort();
    signal?.addEventListener("abort", abort);
    let silence = setTimeout(abort, firstByteMs);
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(abort, silenceMs);
    };
    try {
      const authorization = { Authorization: `Bearer ${await token()}` };
      const answer = await fetch(url + path, {
        headers: { ...headers, ...authorization },
        cache: "no-store",
        signal: stop.signal,
      });
      if (answer.ok || answer.status === 304) return await read(answer, alive);
      const error = await answer.json().catch(() => ({}));
      if (answer.status === 429 || answer.status >= 500) {
        throw new NotNow(1000 * (Number(answer.headers.get("Retry-After")) || 0));
      }
      throw new Refused(answer.status, error.code ?? "", error.error ?? answer.statusText);
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener("abort", abort);
      stop.abort(); // closes a stream that was left early
    }
  }

  /** Whether the generation is final. */
  async function poll(): Promise<boolean> {
    return get("/check-status", seen ? { "If-None-Match": `"${seen}"` } : {}, async (answer) => {
      if (answer.status !== 304) {
        const etag = answer.headers.get("ETag") ?? "";
        show(etag.replace(/^W\//, "").replace(/"/g, ""), await answer.json());
      }
      return FINAL.includes(last?.currentGenerationStatus ?? "");
    });
  }

  /** Reads the stream to its end: whether the generation is final, and whether anything came. */
  async function stream(): Promise<{ final: boolean; fruitful: boolean }> {
    let fruitful = false;
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (seen) headers["Last-Event-ID"] = seen;
    try {
      return await get("/events", headers, async (answer, alive) => {
        if (answer.status === 204) return { final: true, fruitful };
        const reader = answer.body!.getReader();
        const decoder = new TextDecoder();
        let rest = "";
        let event: Record<string, string> = {};
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return { final: false, fruitful };
          alive();
          const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
          rest = lines.pop()!;
          fruitful ||= lines.length > 0;
          for (const line of lines.map((one) => one.replace(/\r$/, ""))) {
            if (line !== "") {
              const [, name, text] = /^([^:]*):? ?(.*)$/.exec(line)!;
              event[name!] = text!;
              continue;
            }
            retryMs = Number(event.retry) || retryMs;
            if (event.data) {
              show(event.id ?? "", JSON.parse(event.data));
              if (event.event === "final") return { final: true, fruitful };
            }
            event = {};
          }
        }
      });
    } catch (error) {
      if (fruitful && !(error instanceof Refused)) return { final: false, fruitful };
      throw error;
    }
  }

  let failures = 0;
  let unauthorized = 0;
  let polls = 0; // how many are left before the next stream
  for (;;) {
    signal?.throwIfAborted();
    const polling = polls > 0;
    let waitMs: number;
    try {
      if (polling) {
        if (await poll()) return last!;
        polls -= 1;
        waitMs = pollMs;
      } else {
        const { final, fruitful } = await stream();
        if (final && last) return last;
        polls = fruitful ? 0 : POLLS;
        waitMs = retryMs; // as the stream named it
      }
      failures = unauthorized = 0;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refused) {
        // The token may have expired meanwhile: the next try asks for another one.
        if (error.status !== 401 || (unauthorized += 1) > 1) throw error;
      }
      failures += 1;
      waitMs = Math.min(longestMs, retryMs * 2 ** (failures - 1));
      if (error instanceof NotNow) waitMs = Math.max(waitMs, error.waitMs);
      polls = polling ? 0 : POLLS; // stream and poll in turn, until one of them works
    }
    await pause(waitMs * (1 + Math.random() / 4), signal);
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
  signal?.throwIfAborted();
}
