-- A process lives and has streams. ARGV: 2 its name, 3 what it says of itself, 4 until when it is believed, 5 how long that is in ms, then streams.
local nodes = prefix .. 'nodes'
redis.call('SET', prefix .. 'node:' .. ARGV[2], ARGV[3], 'PX', ARGV[5])
redis.call('ZADD', nodes, ARGV[4], ARGV[2])
redis.call('PEXPIRE', nodes, ARGV[5])
local elsewhere = {}
for at = 6, #ARGV do
    local key = prefix .. 'stream:' .. ARGV[at]
    local has = redis.call('GET', key)
    if has and has ~= ARGV[2] then
        elsewhere[#elsewhere + 1] = ARGV[at]
    else
        redis.call('SET', key, ARGV[2], 'PX', ARGV[5])
    end
end
return elsewhere
