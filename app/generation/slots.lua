-- Takes one of the user's slots and one of the system's together, or neither.
--
-- KEYS  1 the user's holders  2 the user's numbers  3 the system's holders  4 the system's numbers
--       5 the system's marker  6 the user's marker
-- ARGV  1 generation id  2 user limit  3 system limit  4 seconds a user's keys live
--
-- Holders are scored by the time they were taken (this server's clock), numbers by the slot's number.
-- Returns {outcome, user slot, system slot, user's count, system's count, milliseconds the system's marker lives}, where
-- outcome is
--   taken          both are held; a second call with the same id returns the same
--   user_full      the user has none free
--   system_full    the system has none free
--   system_stale   the marker is gone, or holders and numbers differ: rebuild the system's keys, call again
--   user_stale     the user's keys contradict themselves, or look full and are unproven: rebuild them, call again
local user, user_numbers, system, system_numbers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, user_limit, system_limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- The lowest number no member has. Numbers are unique, so number(rank) - rank never falls:
-- the first rank where it exceeds 1 is the gap, found by bisection in O(log n) commands.
local function lowest_free(numbers, count)
    local low, high = 0, count
    while low < high do
        local middle = math.floor((low + high) / 2)
        local number = tonumber(redis.call('ZRANGE', numbers, middle, middle, 'WITHSCORES')[2])
        if number > middle + 1 then high = middle else low = middle + 1 end
    end
    return low + 1
end

-- How many members the key has; -1 where it is no sorted set at all, which then never agrees with its pair.
local function count(key)
    local type = redis.call('TYPE', key).ok
    return (type == 'zset' or type == 'none') and redis.call('ZCARD', key) or -1
end

local user_count, system_count, fresh_ms = count(user), count(system), redis.call('PTTL', KEYS[5])

local function answer(outcome, user_slot, system_slot)
    return {outcome, user_slot or 0, system_slot or 0, user_count, system_count, fresh_ms}
end

if fresh_ms == -2 or system_count < 0 or count(system_numbers) ~= system_count then
    return answer('system_stale')
end
if user_count < 0 or count(user_numbers) ~= user_count then
    return answer('user_stale')
end

local user_slot = redis.call('ZSCORE', user_numbers, id)
local system_slot = redis.call('ZSCORE', system_numbers, id)
if not (user_slot and system_slot) then
    if user_slot or system_slot then -- half a holder holds nothing
        for _, key in ipairs({user, user_numbers, system, system_numbers}) do redis.call('ZREM', key, id) end
        user_count, system_count = count(user), count(system)
    end
    if user_count >= user_limit then
        return answer(redis.call('EXISTS', KEYS[6]) == 1 and 'user_full' or 'user_stale')
    end
    if system_count >= system_limit then
        return answer('system_full')
    end
    local clock = redis.call('TIME')
    local now = clock[1] .. '.' .. string.format('%06d', clock[2])
    user_slot = lowest_free(user_numbers, user_count)
    system_slot = lowest_free(system_numbers, system_count)
    redis.call('ZADD', user, now, id)
    redis.call('ZADD', user_numbers, user_slot, id)
    redis.call('ZADD', system, now, id)
    redis.call('ZADD', system_numbers, system_slot, id)
    user_count, system_count = user_count + 1, system_count + 1
end
redis.call('EXPIRE', user, ARGV[4])
redis.call('EXPIRE', user_numbers, ARGV[4])
return answer('taken', tonumber(user_slot), tonumber(system_slot))
