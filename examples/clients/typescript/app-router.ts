// The router of the service, for typed tRPC clients: `createTRPCClient<AppRouter>(…)`. Types only; copy this file
// and course-status.ts.

import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
} from "@trpc/server";
import type { CourseStatus } from "./course-status.js";

export interface Started {
  success: true;
  jobId: string;
  message: string;
  courseId: string;
}

export interface Cancelled {
  success: true;
  jobId: string;
  status: "cancelled";
}

/** `data.reason` is the `code` of the REST API; `details` depends on it. */
export interface ErrorShape extends TRPCDefaultErrorShape {
  data: TRPCDefaultErrorShape["data"] & { reason: string; requestId: string; details?: Record<string, unknown> };
}

interface Root {
  ctx: object;
  meta: object;
  errorShape: ErrorShape;
  transformer: false;
}

type Mutation<Input, Output> = TRPCMutationProcedure<{ meta: object; input: Input; output: Output }>;
type Query<Input, Output> = TRPCQueryProcedure<{ meta: object; input: Input; output: Output }>;

export type AppRouter = TRPCBuiltRouter<
  Root,
  {
    generation: {
      initiate: Mutation<{ courseId: string; webhookUrl?: string | null }, Started>;
      cancel: Mutation<{ courseId: string }, Cancelled>;
      status: Query<{ courseId: string }, CourseStatus>;
    };
  }
>;
