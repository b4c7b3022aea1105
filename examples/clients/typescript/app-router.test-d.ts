// What the types of the router allow and refuse; `npm run check` compiles it, nothing runs it.

import { createTRPCClient, httpBatchLink, TRPCClientError } from "@trpc/client";
import type { AppRouter } from "./app-router.js";

export async function types() {
  const trpc = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: "" })] });
  const percentage: number | undefined = (await trpc.generation.status.query({ courseId: "" })).generationProgress
    ?.percentage;
  const reason: string | undefined = new TRPCClientError<AppRouter>("").data?.reason;
  // @ts-expect-error: another input
  await trpc.generation.initiate.mutate({ course: "" });
  // @ts-expect-error: no such procedure
  await trpc.generation.restart.mutate({ courseId: "" });
  return [percentage, reason];
}
