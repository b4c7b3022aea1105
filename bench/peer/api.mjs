// The front door: `generation.initiate` of a tRPC router behind Express, in as many processes as WORKERS says.
import cluster from 'node:cluster';
import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express from 'express';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import { connectRedis, log, openPool, openQueue, TIERS } from './connections.mjs';
import { slotsIn } from './slots.mjs';

const { JWT_SECRET, PORT, WORKERS } = process.env;
const POOL_SIZE = 16;
const PAUSES_MS = [100, 200, 400];

const FIND_COURSE = { name: 'find_course', text: 'select * from courses where id = $1' };
const COMPLETE_FIRST_STEP = {
  name: 'complete_first_step',
  text: "select update_course_progress($1, 1, 'completed', 'Инициализация завершена', null, null, $2)",
};

function callerOf(header = '') {
  try {
    const claims = jwt.verify(header.replace(/^Bearer /, ''), JWT_SECRET, {
      algorithms: ['HS256'],
      audience: 'authenticated',
    });
    return { userId: claims.sub, tier: claims.app_metadata?.tier ?? claims.user_metadata?.tier ?? 'FREE' };
  } catch {
    return null;
  }
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

  async function admit({ userId, tier }, courseId) {
    const course = (await pool.query({ ...FIND_COURSE, values: [courseId] })).rows[0];
    if (!course) throw new TRPCError({ code: 'NOT_FOUND', message: 'Course not found' });
    if (course.user_id !== userId) throw new TRPCError({ code: 'FORBIDDEN' });

    const { limit, priority } = TIERS[tier];
    const full = await slots.take(userId, limit);
    if (full) throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: `${full} limit` });

    const { generation_progress: progress, ...fields } = course;
    const stage = progress?.files?.length > 0 ? 'document_processing' : 'structure_analysis';
    let job;
    try {
      job = await queue.add(stage, { stage, courseId, userId, ...fields }, { priority, attempts: 3 });
      const metadata = JSON.stringify({ job_id: job.id, tier });
      await retrying(() => pool.query({ ...COMPLETE_FIRST_STEP, values: [courseId, metadata] }));
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
  const order = z.object({ courseId: z.uuid(), webhookUrl: z.url().nullish() });
  const initiate = t.procedure
    .use(({ ctx, next }) => {
      if (!ctx.caller) throw new TRPCError({ code: 'UNAUTHORIZED' });
      return next();
    })
    .input(order)
    .mutation(({ ctx, input }) => admit(ctx.caller, input.courseId));
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
