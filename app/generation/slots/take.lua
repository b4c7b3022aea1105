-- For each of several claims: takes one of the user's slots and one of the system's together, or neither.
--
-- KEYS  1 the system's holders  2 the system's numbers  3 the system's marker
--       and for each claim the user's holders, numbers and marker
-- ARGV  1 system limit  2 seconds a user's keys live
--       and for each claim the generation id and the user's limit
--
-- Holders are scored by the time they were taken (this server's clock), numbers by the slot's number.
-- Returns for each claim {outcome, user slot, system slot, user's count, system's count, milliseconds the system's marker
-- lives}, where outcome is
--   taken          both are held; a second call with the same id returns the same
--   user_full      the user has none free
--   system_full    the system has none free
--   system_stale   the marker is gone, or holders and numbers differ: rebuild the system's keys, call again
--   user_stale     the user's keys contradict themselves, or look full and are unproven: rebuild them, call again
local system, system_numbers = KEYS[1], KEYS[2]
local system_limit, lives_s = tonumber(ARGV[1]), ARGV[2]

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

local clock = redis.call('TIME')
local now = clock[1] .. '.' .. string.format('%06d', clock[2])
local fresh_ms, system_count = redis.call('PTTL', KEYS[3]), count(system)
local system_stale = fresh_ms == -2 or system_count < 0 or count(system_numbers) ~= system_count

local function take(user, user_numbers, user_marker, id, user_limit)
    local user_count = count(user)

    local function answer(outcome, user_slot, system_slot)
        return {outcome, user_slot or 0, system_slot or 0, user_count, system_count, fresh_ms}
    end

    if system_stale then return answer('system_stale') end
    if user_count < 0 or count(user_numbers) ~= user_count then return answer('user_stale') end

    local user_slot = redis.call('ZSCORE', user_numbers, id)
    local system_slot = redis.call('ZSCORE', system_numbers, id)
    if not (user_slot and system_slot) then
        if user_slot or system_slot then -- half a holder holds nothing
            for _, key in ipairs({user, user_numbers, system, system_numbers}) do redis.call('ZREM', key, id) end
            user_count, system_count = count(user), count(system)
        end
        if user_count >= user_limit then
            return answer(redis.call('EXISTS', user_marker) == 1 and 'user_full' or 'user_stale')
        end
        if system_count >= system_limit then return answer('system_full') end
        user_slot = lowest_free(user_numbers, user_count)
        system_slot = lowest_free(system_numbers, system_count)
        redis.call('ZADD', user, now, id)
        redis.call('ZADD', user_numbers, user_slot, id)
        redis.call('ZADD', system, now, id)
        redis.call('ZADD', system_numbers, system_slot, id)
        user_count, system_count = user_count + 1, system_count + 1
    end
    redis.call('EXPIRE', user, lives_s)
    redis.call('EXPIRE', user_numbers, lives_s)
    return answer('taken', tonumber(user_slot), tonumber(system_slot))
end

local answers = {}
for claim = 1, #KEYS / 3 - 1 do
    local key, arg = 3 * claim, 2 * claim
    answers[claim] = take(KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], ARGV[arg + 1], tonumber(ARGV[arg + 2]))
end
return answers
