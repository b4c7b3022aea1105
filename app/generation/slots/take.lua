-- Takes one of the user's slots and one of the system's for each request, or neither.
--
-- KEYS  the system's holders, numbers and marker; then for each request those of its user
-- ARGV  1 seconds that a user's keys live; then for each request its generation id, its user's limit and the system's
--
-- Without requests, only tries what a take does: nothing changes, but a server that refuses writes raises its error.
-- Returns the system's answer ({'ok'} or {'foreign', key, type}), then one answer for each request:
--   {'taken', user slot, system slot, user count, system count}   a second call with the same id returns the same
--   {'user_full', user count, system count}      the user has no free slot
--   {'system_full', user count, system count}    the system has no free slot
--   {'user_stale'}      rebuild the user's keys, then call again
--   {'system_stale'}    rebuild the system's and the user's keys, then call again
--   {'foreign', key, type}   another program wrote this key: nothing was read or written
local TYPES = {'zset', 'zset', 'string'}
local system, system_numbers, system_marker = KEYS[1], KEYS[2], KEYS[3]
local lives_s = ARGV[1]

local function find_foreign(first)
    for place, expected in ipairs(TYPES) do
        local key = KEYS[first + place - 1]
        local type = redis.call('TYPE', key).ok
        if type ~= 'none' and type ~= expected then return {'foreign', key, type} end
    end
end

-- The lowest number that no holder has, found by bisection in O(log n). Numbers are unique, so number - rank
-- never falls with the rank. The lowest rank where it exceeds 1 is the gap.
local function lowest_free(numbers)
    local low, high = 0, redis.call('ZCARD', numbers)
    while low < high do
        local middle = math.floor((low + high) / 2)
        local number = tonumber(redis.call('ZRANGE', numbers, middle, middle, 'WITHSCORES')[2])
        if number > middle + 1 then high = middle else low = middle + 1 end
    end
    return low + 1
end

-- Whether the caller has to rebuild the system's keys. If their marker expired, only the first caller within a second
-- does: the others go on with what is there, unless there is nothing.
local function is_system_stale()
    local count = redis.call('ZCARD', system)
    local marker = redis.call('GET', system_marker)
    if not marker then redis.call('SET', system_marker, 'rebuilding', 'EX', 1) end
    return not marker or (marker == 'rebuilding' and count == 0) or redis.call('ZCARD', system_numbers) ~= count
end

local clock = redis.call('TIME')
local now = clock[1] .. '.' .. string.format('%06d', clock[2])

local function add(holders, numbers, id)
    local number = lowest_free(numbers)
    redis.call('ZADD', holders, now, id)
    redis.call('ZADD', numbers, number, id)
    return number
end

local function take(user, user_numbers, user_marker, id, user_limit, system_limit)
    local user_count, system_count = redis.call('ZCARD', user), redis.call('ZCARD', system)
    if redis.call('ZCARD', user_numbers) ~= user_count then return {'user_stale'} end

    local user_slot = redis.call('ZSCORE', user_numbers, id)
    local system_slot = redis.call('ZSCORE', system_numbers, id)
    if not user_slot and user_count >= user_limit then
        if redis.call('EXISTS', user_marker) == 0 then return {'user_stale'} end
        return {'user_full', user_count, system_count}
    end
    if not system_slot and system_count >= system_limit then return {'system_full', user_count, system_count} end

    user_slot = user_slot or add(user, user_numbers, id)
    system_slot = system_slot or add(system, system_numbers, id)
    redis.call('EXPIRE', user, lives_s)
    redis.call('EXPIRE', user_numbers, lives_s)
    return {'taken', tonumber(user_slot), tonumber(system_slot), redis.call('ZCARD', user), redis.call('ZCARD', system)}
end

local foreign, requests = find_foreign(1), #KEYS / 3 - 1
local system_stale = not foreign and requests > 0 and is_system_stale()
local answers = {foreign or {'ok'}}
if not foreign and requests == 0 then
    redis.call('ZADD', system, 'XX', now, '')
    redis.call('SET', system_marker, redis.call('GET', system_marker) or '', 'XX', 'KEEPTTL')
end
for request = 1, requests do
    local key, arg = 3 * request + 1, 3 * request - 1
    answers[request + 1] = foreign or find_foreign(key) or (system_stale and {'system_stale'})
        or take(KEYS[key], KEYS[key + 1], KEYS[key + 2], ARGV[arg], tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2]))
end
return answers
