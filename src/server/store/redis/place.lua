-- Where a stream is. ARGV: 2 the stream, 3 the process that has it (empty: only a question), 4 for how long in ms (empty: no more).
local key = prefix .. 'stream:' .. ARGV[2]
if ARGV[3] ~= '' then
    if ARGV[4] ~= '' then
        redis.call('SET', key, ARGV[3], 'PX', ARGV[4])
    elseif redis.call('GET', key) == ARGV[3] then
        redis.call('DEL', key)
    end
end
local id = redis.call('GET', key)
local node = id and redis.call('GET', prefix .. 'node:' .. id)
if node then return { node } end
return {}
