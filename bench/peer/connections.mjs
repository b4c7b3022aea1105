// What the processes of this stack share: the servers they stand on, the queue, and the tiers.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import pino from 'pino';

const { DATABASE_URL, REDIS_URL, GLOBAL_CONCURRENCY_LIMIT } = process.env;

export const QUEUE = 'course-generation';
export const SYSTEM_LIMIT = Number(GLOBAL_CONCURRENCY_LIMIT);
// BullMQ takes the job of the lowest number first.
export const TIERS = {
  FREE: { limit: 1, priority: 10 },
  BASIC: { limit: 2, priority: 8 },
  STANDARD: { limit: 3, priority: 6 },
  TRIAL: { limit: 5, priority: 6 },
  PREMIUM: { limit: 5, priority: 1 },
};
export const SYSTEM_KEY = 'concurrency:global';
export const userKey = (userId) => `concurrency:user:${userId}`;

// A line of JSON per admission or stage on standard output, as the service beside it writes.
export const log = pino();

// Without a limit on retries, as BullMQ demands of a connection that blocks.
export const connectRedis = () => new Redis(REDIS_URL, { maxRetriesPerRequest: null });

export const openQueue = () => new Queue(QUEUE, { connection: connectRedis() });

export const openPool = (size) => new pg.Pool({ connectionString: DATABASE_URL, max: size });
