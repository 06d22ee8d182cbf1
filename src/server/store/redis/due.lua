-- What is due, each for the asking process alone until its claim ends. ARGV: 2 now, 3 until when it is claimed, 4 how many at most.
local answer = {}
for _, who in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])) do
    local id = string.match(who, '^%S+')
    if redis.call('EXISTS', room_key(id)) == 1 then
        redis.call('ZADD', due, ARGV[3], who)
        if who == id then redis.call('ZADD', closed, ARGV[3], id) end
        answer[#answer + 1] = who
    else
        redis.call('ZREM', due, who)
        redis.call('ZREM', closed, id)
    end
end
return answer
