-- Sends every request of a file once, in order; each connection sends its next once it is answered. Then prints one line
-- of JSON. A zero byte ends each request of the file.

local ffi = require("ffi")
ffi.cdef [[
    typedef struct { long tv_sec; long tv_nsec; } moment;
    int clock_gettime(int clock, moment *at);
    int getpid(void);
    int kill(int pid, int number);
]]
local MONOTONIC, SIGINT = 1, 2

local at = ffi.new("moment")
local function now()
    ffi.C.clock_gettime(MONOTONIC, at)
    return tonumber(at.tv_sec) + tonumber(at.tv_nsec) / 1e9
end

local thread
function setup(started)
    thread = started
end

function init(arguments)
    requests, sent, answered, statuses, began, ended = {}, 0, 0, {}, 0, 0
    for request in io.open(arguments[1], "rb"):read("*a"):gmatch("(%Z+)%z") do
        requests[#requests + 1] = request
    end
end

local looked_at = false
function request()
    if not looked_at then -- wrk parses one before it connects
        looked_at = true
        return requests[1]
    end
    if sent == 0 then
        began = now()
    end
    sent = sent + 1
    return requests[sent] or "" -- this connection sends nothing more
end

function response(status)
    answered = answered + 1
    statuses[status] = (statuses[status] or 0) + 1
    if answered == #requests then
        ended = now()
        ffi.C.kill(ffi.C.getpid(), SIGINT) -- without it, wrk runs until its time is over
    end
end

function done(summary, latency)
    local counts = {}
    for status, count in pairs(thread:get("statuses")) do
        counts[#counts + 1] = string.format('"%d": %d', status, count)
    end
    local errors = summary.errors
    io.write(string.format(
        '{"seconds": %.6f, "cpu_s": %.3f, "p50": %d, "p95": %d, "p99": %d, "errors": %d, "statuses": {%s}}\n',
        thread:get("ended") - thread:get("began"), os.clock(),
        latency:percentile(50), latency:percentile(95), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.timeout, table.concat(counts, ", ")
    ))
end
