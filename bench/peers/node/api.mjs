// The API: `generation.initiate` of a tRPC router behind Express, in WORKERS processes.
import cluster from 'node:cluster';
import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express from 'express';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import { connectRedis, log, openPool, openQueue, statement, TIERS } from './connections.mjs';
import { slotsIn } from './counters.mjs';

const { JWT_AUDIENCE, JWT_SECRET, PORT, WORKERS } = process.env;
const POOL_SIZE = 16;
const PAUSES_MS = [100, 200, 400];

function callerOf(header = '') {
  try {
    const claims = jwt.verify(header.replace(/^Bearer /, ''), JWT_SECRET, {
      algorithms: ['HS256'],
      audience: JWT_AUDIENCE,
    });
    return { userId: claims.sub, tier: claims.app_metadata?.tier ?? claims.user_metadata?.tier ?? 'FREE' };
  } catch {
    return null;
  }
}

function isActive({ generation_progress: progress }) {
  return progress?.steps?.[0]?.status === 'completed' && progress.steps[4]?.status !== 'completed';
}

async function retrying(attempt) {
  for (const pause of PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      log.warn({ err: error }, 'retry');
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return attempt();
}

function makeRouter() {
  const pool = openPool(POOL_SIZE);
  const slots = slotsIn(connectRedis());
  const queue = openQueue();

  async function admit({ userId, tier }, { courseId, generationId }) {
    const course = (await pool.query(statement('read_whole_course', [courseId]))).rows[0];
    if (!course) throw new TRPCError({ code: 'NOT_FOUND', message: 'Course not found' });
    if (course.user_id !== userId) throw new TRPCError({ code: 'FORBIDDEN' });
    if (isActive(course)) throw new TRPCError({ code: 'CONFLICT' });

    const { limit, priority } = TIERS[tier];
    const full = await slots.take(userId, limit);
    if (full) throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: `${full} limit` });

    const { generation_progress: progress, ...fields } = course;
    const stage = progress?.files?.length > 0 ? 'document_processing' : 'structure_analysis';
    let job;
    try {
      const options = { priority, attempts: 3, removeOnComplete: true };
      job = await queue.add(stage, { stage, courseId, userId, generationId, ...fields }, options);
      const metadata = JSON.stringify({ job_id: job.id, tier });
      await retrying(() => pool.query(statement('complete_first_step', [courseId, metadata])));
    } catch (error) {
      await job?.remove();
      await slots.release(userId);
      log.error({ err: error, courseId }, 'rolled back');
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
    }
    log.info({ userId, tier, courseId, jobId: job.id, stage }, 'admitted');
    return { success: true, jobId: job.id, message: 'Генерация курса инициализирована', courseId };
  }

  const t = initTRPC.context().create();
  // `generationId` names the rows that the worker reads.
  const order = z.object({ courseId: z.uuid(), webhookUrl: z.url().nullish(), generationId: z.uuid().optional() });
  const initiate = t.procedure
    .use(({ ctx, next }) => {
      if (!ctx.caller) throw new TRPCError({ code: 'UNAUTHORIZED' });
      return next();
    })
    .input(order)
    .mutation(({ ctx, input }) => admit(ctx.caller, input));
  return t.router({ generation: t.router({ initiate }) });
}

function serve() {
  const createContext = ({ req }) => ({ caller: callerOf(req.headers.authorization) });
  const app = express().disable('x-powered-by').disable('etag');
  app.get('/readyz', (_, answer) => answer.json({ status: 'ready' }));
  app.use('/trpc', createExpressMiddleware({ router: makeRouter(), createContext }));
  app.listen(Number(PORT), '127.0.0.1');
}

if (cluster.isPrimary) for (let count = Number(WORKERS); count > 0; count--) cluster.fork();
else serve();
