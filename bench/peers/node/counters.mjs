// Two counters in Redis, the user's and the system's: a slot of both or of neither.
import { SYSTEM_KEY, SYSTEM_LIMIT, userKey } from './connections.mjs';

const USER_KEY_S = 3600;

// KEYS: the user's counter and the system's. ARGV: their limits, and the seconds until the user's expires.
// Returns the name of the full one, or false.
const TAKE = `
local mine = tonumber(redis.call('get', KEYS[1])) or 0
local all = tonumber(redis.call('get', KEYS[2])) or 0
if mine >= tonumber(ARGV[1]) then return 'user' end
if all >= tonumber(ARGV[2]) then return 'system' end
redis.call('incr', KEYS[1])
redis.call('expire', KEYS[1], ARGV[3])
redis.call('incr', KEYS[2])
return false`;

export function slotsIn(redis) {
  redis.defineCommand('takeSlots', { numberOfKeys: 2, lua: TAKE });
  return {
    // Resolves to the full counter's name, or to null.
    take: (userId, limit) => redis.takeSlots(userKey(userId), SYSTEM_KEY, limit, SYSTEM_LIMIT, USER_KEY_S),
    release: (userId) => redis.pipeline().decr(userKey(userId)).decr(SYSTEM_KEY).exec(),
  };
}
