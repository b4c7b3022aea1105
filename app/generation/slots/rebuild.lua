-- Makes one scope, the system or a user, agree with PostgreSQL, and sets its marker. The marker expires once the oldest
-- admission under way would be invalid, so that the next caller removes it if its process died.
--
-- KEYS  1 holders  2 numbers  3 marker
-- ARGV  1 JSON: the number of each generation that holds one, and 0 for each that gave it up
--       2 a time of this server: a holder that PostgreSQL does not know and that is younger is an admission under way
--       3 seconds that the marker lives at most  4 seconds that the other keys live, 0 for ever
--
-- Returns {'ok', how many members changed}, or {'foreign', key, type}: another program wrote this key.
local TYPES = {'zset', 'zset', 'string'}
local holders, numbers, marker = KEYS[1], KEYS[2], KEYS[3]
local actual, since = cjson.decode(ARGV[1]), tonumber(ARGV[2])

for place, key in ipairs(KEYS) do
    local type = redis.call('TYPE', key).ok
    if type ~= 'none' and type ~= TYPES[place] then return {'foreign', key, type} end
end

local clock, changed = redis.call('TIME'), 0
local now = clock[1] + clock[2] / 1000000
local lives_s = tonumber(ARGV[3])
local function change(...)
    redis.call(...)
    changed = changed + 1
end

-- A time in the future is wrong, so its holder counts as old.
local function is_young(id)
    local taken = tonumber(redis.call('ZSCORE', holders, id) or 0)
    local young = taken > since and taken <= now
    if young then lives_s = math.min(lives_s, taken - since) end
    return young
end

-- First the numbers. What remains in `actual` after the loop is missing here or has another number.
local found, under_way = redis.call('ZRANGE', numbers, 0, -1, 'WITHSCORES'), {}
for place = 1, #found, 2 do
    local id, number = found[place], tonumber(found[place + 1])
    if actual[id] == nil and number >= 1 and number % 1 == 0 and is_young(id) then
        under_way[id] = number
    elseif (actual[id] or 0) == 0 then
        change('ZREM', numbers, id)
    elseif actual[id] == number then
        actual[id] = nil
    end
end
for id, number in pairs(actual) do
    if number > 0 then change('ZADD', numbers, number, id) end
end
for id, number in pairs(under_way) do -- two holders can't have the same number: PostgreSQL would refuse this one
    if redis.call('ZCOUNT', numbers, number, number) > 1 then change('ZREM', numbers, id) end
end

-- Then the holders: the same members.
for _, id in ipairs(redis.call('ZDIFF', 2, numbers, holders)) do change('ZADD', holders, now, id) end
for _, id in ipairs(redis.call('ZDIFF', 2, holders, numbers)) do change('ZREM', holders, id) end

redis.call('SET', marker, 'fresh', 'PX', math.floor(lives_s * 1000) + 1)
if ARGV[4] ~= '0' then
    redis.call('EXPIRE', holders, ARGV[4])
    redis.call('EXPIRE', numbers, ARGV[4])
end
return {'ok', changed}
