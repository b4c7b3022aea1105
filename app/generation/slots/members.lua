-- Reads a scope's holders whose numbers are within a span.
--
-- KEYS  1 holders, by the time taken  2 the same, by number
-- ARGV  1 lowest number  2 highest number, both as of ZRANGE BYSCORE  3 seconds that a holder counts as young
--       4 seconds the keys are to live from now on (0: for good)
--
-- Returns {numbered, young, whole}: members and numbers in turn; those members that were taken a moment ago, by this
-- server's clock; 1 where holders and numbers are the same members as far as was looked. A key of a wrong type counts
-- as emptied.
for _, key in ipairs(KEYS) do
    local type = redis.call('TYPE', key).ok
    if type ~= 'zset' and type ~= 'none' then redis.call('DEL', key) end
    if ARGV[4] ~= '0' then redis.call('EXPIRE', key, ARGV[4]) end
end
local numbered = redis.call('ZRANGE', KEYS[2], ARGV[1], ARGV[2], 'BYSCORE', 'WITHSCORES')
local whole = redis.call('ZCARD', KEYS[1]) == redis.call('ZCARD', KEYS[2]) and 1 or 0
local since, young = redis.call('TIME')[1] - ARGV[3], {}
for place = 1, #numbered, 2 do
    local taken = redis.call('ZSCORE', KEYS[1], numbered[place])
    if not taken then
        whole = 0
    elseif tonumber(taken) > since then
        young[#young + 1] = numbered[place]
    end
end
return {numbered, young, whole}
