// The worker: every stage reads what the service's own reads and moves its step twice; between the two it does nothing.
import { Worker } from 'bullmq';
import { connectRedis, log, openPool, openQueue, QUEUE } from './connections.mjs';
import { slotsIn } from './slots.mjs';

const CONCURRENCY = Number(process.env.WORKER_CONCURRENCY);

const READ_COURSE = {
  name: 'read_course',
  text: `select id, title, language, style, course_description, target_audience, difficulty, lesson_duration_minutes,
    learning_outcomes, estimated_lessons, estimated_sections, content_strategy, output_formats,
    generation_progress -> 'files' as files
    from courses where id = $1`,
};
const MOVE_STEP = {
  name: 'move_step',
  text: `select update_course_progress($1, $2, $3, $4),
    case when $5::text is not null then set_course_status($1, $5) end`,
};
const READ = {
  documents: `select file_id, name, mime_type, body, headings, error from generation_documents
    where generation_id = $1 order by position`,
  brief: 'select brief from generation_briefs where generation_id = $1',
  outline: `select section.number as section_number, section.title as section_title, lesson.title, lesson.goals, lesson.sources
    from generation_sections section
    join generation_lessons lesson
      on lesson.generation_id = section.generation_id and lesson.section_number = section.number
    where section.generation_id = $1 order by lesson.number`,
  drafts: 'select lesson_number, body from generation_drafts where generation_id = $1 order by lesson_number',
};

const STAGES = {
  document_processing: {
    step: 2, reads: [], status: 'processing_documents', next: 'structure_generation',
    started: 'Обрабатываем загруженные документы...', completed: 'Документы успешно обработаны',
  },
  structure_generation: {
    step: 3, reads: ['documents', 'brief'], status: 'generating_structure', next: 'text_generation',
    started: 'Создаём структуру курса...', completed: 'Структура курса готова',
  },
  text_generation: {
    step: 4, reads: ['documents', 'brief', 'outline'], status: 'generating_content', next: 'finalization',
    started: 'Пишем тексты уроков...', completed: 'Тексты уроков готовы',
  },
  finalization: {
    step: 5, reads: ['outline', 'drafts'], status: 'finalizing', next: null,
    started: 'Собираем курс...', completed: 'Курс готов',
  },
};

const pool = openPool(CONCURRENCY);
const queue = openQueue();
const slots = slotsIn(connectRedis());

async function run(job) {
  const { courseId, generationId, userId } = job.data;
  const { step, reads, status, next, started, completed } = STAGES[job.name];
  await pool.query({ ...READ_COURSE, values: [courseId] });
  await pool.query({ ...MOVE_STEP, values: [courseId, step, 'in_progress', started, status] });
  for (const name of reads) await pool.query({ name, text: READ[name], values: [generationId] });
  await pool.query({ ...MOVE_STEP, values: [courseId, step, 'completed', completed, next ? null : 'completed'] });
  if (next) await queue.add(next, job.data, { priority: job.opts.priority - 1, attempts: 3, removeOnComplete: true });
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
