// The status of a course, as check-status, its events and tRPC's `generation.status` return it.

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
  /** Whole once a generation was started. Before, it is what the platform wrote: often null, or `files` alone. */
  generationProgress: Partial<GenerationProgress> | null;
  createdAt: string | null;
  updatedAt: string | null;
  minutesSinceCreation: number | null;
  isStuck: boolean;
  recoveryReason: string;
  suggestedStatus: string | null;
  queuePosition: number | null;
  workerAlive: boolean | null;
}
