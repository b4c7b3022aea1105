// Adds the first stage of every generation that standard input names, a JSON array, all at once.
import { json } from 'node:stream/consumers';
import { openQueue, TIERS } from './connections.mjs';

const options = { priority: TIERS.FREE.priority, attempts: 3, removeOnComplete: true };
const queue = openQueue();
await queue.addBulk((await json(process.stdin)).map((data) => ({ name: 'document_processing', data, opts: options })));
process.exit(0);
