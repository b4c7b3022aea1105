// The router of the service, for typed tRPC clients: `createTRPCClient<AppRouter>(…)`. Types only; copy this file.

import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
} from "@trpc/server";

export type StepStatus = "pending" | "in_progress" | "completed" | "failed";

export interface Step {
  id: 1 | 2 | 3 | 4 | 5;
  name: string;
  status: StepStatus;
  started_at: string | null;
  completed_at: string | null;
  error: string | null;
  error_details: Record<string, unknown> | null;
}

/** The progress once a generation was started. Before, the column is the platform's, and may be null. */
export interface GenerationProgress {
  steps: [Step, Step, Step, Step, Step];
  percentage: number;
  current_step: 1 | 2 | 3 | 4 | 5;
  message: string;
  total_steps: 5;
  has_documents: boolean;
  lessons_completed: number;
  lessons_total: number;
  files: Record<string, unknown>[];
  metadata: Record<string, unknown>;
}

export interface CourseStatus {
  courseId: string;
  slug: string | null;
  currentStatus: string | null;
  /** Null before the first generation. */
  currentGenerationStatus: string | null;
  generationProgress: GenerationProgress | null;
  createdAt: string | null;
  updatedAt: string | null;
  minutesSinceCreation: number | null;
  isStuck: boolean;
  recoveryReason: string;
  suggestedStatus: string | null;
  queuePosition: number | null;
  workerAlive: boolean | null;
}

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
