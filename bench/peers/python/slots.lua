-- Takes one slot of the user (KEYS[1], at most ARGV[1]) and one of the system (KEYS[2], at most ARGV[2]).
-- Returns the name of the counter that is full and takes nothing, or returns an empty string.
local names = {'user', 'system'}
for place, key in ipairs(KEYS) do
    if tonumber(redis.call('get', key) or '0') >= tonumber(ARGV[place]) then
        return names[place]
    end
end
for _, key in ipairs(KEYS) do
    redis.call('incr', key)
end
redis.call('expire', KEYS[1], 3600)
return ''
