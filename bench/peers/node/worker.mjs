// The worker: a stage reads what the service's own stage reads and moves its step twice. Between the two it waits STAGE_S.
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { connectRedis, log, openPool, openQueue, QUEUE, statement } from './connections.mjs';
import { slotsIn } from './counters.mjs';

const CONCURRENCY = Number(process.env.WORKER_CONCURRENCY);
const STAGE_MS = 1000 * Number(process.env.STAGE_S ?? 0);

const STAGES = {
  document_processing: {
    step: 2, reads: [], status: 'processing_documents', next: 'structure_generation',
    started: 'Обрабатываем загруженные документы...', completed: 'Документы успешно обработаны',
  },
  structure_generation: {
    step: 3, reads: ['read_documents', 'read_brief'], status: 'generating_structure', next: 'text_generation',
    started: 'Создаём структуру курса...', completed: 'Структура курса готова',
  },
  text_generation: {
    step: 4, reads: ['read_documents', 'read_brief', 'read_outline'],
    status: 'generating_content', next: 'finalization',
    started: 'Пишем тексты уроков...', completed: 'Тексты уроков готовы',
  },
  finalization: {
    step: 5, reads: ['read_outline', 'read_drafts'], status: 'finalizing', next: null,
    started: 'Собираем курс...', completed: 'Курс готов',
  },
};

const pool = openPool(CONCURRENCY);
const queue = openQueue();
const slots = slotsIn(connectRedis());

async function run(job) {
  const { courseId, generationId, userId } = job.data;
  const { step, reads, status, next, started, completed } = STAGES[job.name];
  await pool.query(statement('read_course', [courseId]));
  await pool.query(statement('move_step_and_status', [courseId, step, 'in_progress', started, status]));
  for (const name of reads) await pool.query(statement(name, [generationId]));
  if (STAGE_MS > 0) await wait(STAGE_MS);
  const last = next ? null : 'completed';
  await pool.query(statement('move_step_and_status', [courseId, step, 'completed', completed, last]));
  const options = { priority: job.opts.priority - 1, attempts: 3, removeOnComplete: true };
  if (next) await queue.add(next, { courseId, generationId, userId }, options);
  else await slots.release(userId);
  log.info({ courseId, jobId: job.id, stage: job.name }, 'stage completed');
}

const worker = new Worker(QUEUE, run, { connection: connectRedis(), concurrency: CONCURRENCY });
worker.on('failed', (job, error) => log.error({ err: error, jobId: job?.id }, 'stage failed'));
worker.on('error', (error) => log.error({ err: error }, 'worker error'));
await worker.waitUntilReady();
log.info('ready');
process.on('SIGTERM', async () => {
  await worker.close();
  process.exit(0);
});
