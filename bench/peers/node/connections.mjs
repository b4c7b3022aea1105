// What the processes of this stack share: servers, statements, queue and tiers.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import pino from 'pino';

const { DATABASE_URL, REDIS_URL, GLOBAL_CONCURRENCY_LIMIT, STATEMENTS } = process.env;

export const QUEUE = 'course-generation';
export const SYSTEM_LIMIT = Number(GLOBAL_CONCURRENCY_LIMIT);
// BullMQ runs the job with the lowest number first.
export const TIERS = {
  FREE: { limit: 1, priority: 10 },
  BASIC: { limit: 2, priority: 8 },
  STANDARD: { limit: 3, priority: 6 },
  TRIAL: { limit: 5, priority: 6 },
  PREMIUM: { limit: 5, priority: 1 },
};
export const SYSTEM_KEY = 'concurrency:global';
export const userKey = (userId) => `concurrency:user:${userId}`;

// One line of JSON for each admission and stage on standard output, as the service writes it.
export const log = pino();

// BullMQ requires a connection without a limit on retries.
export const connectRedis = () => new Redis(REDIS_URL, { maxRetriesPerRequest: null });

export const openQueue = () => new Queue(QUEUE, { connection: connectRedis() });

const texts = JSON.parse(STATEMENTS);
// The statement of that name with its values, prepared once per connection.
export const statement = (name, values) => ({ name, text: texts[name], values });

export const openPool = (size) => new pg.Pool({ connectionString: DATABASE_URL, max: size });
