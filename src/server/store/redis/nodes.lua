-- The processes that live. ARGV: 2 now, 3 one that ends (or empty).
local nodes, answer = prefix .. 'nodes', {}
if ARGV[3] ~= '' then
    redis.call('ZREM', nodes, ARGV[3])
    redis.call('DEL', prefix .. 'node:' .. ARGV[3])
end
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', ARGV[2])
for _, id in ipairs(redis.call('ZRANGE', nodes, 0, -1)) do
    local node = redis.call('GET', prefix .. 'node:' .. id)
    if node then answer[#answer + 1] = node end
end
return answer
