-- People who sign in under a key of their own. ARGV: 2 what is asked, 3 who, 4 how long it is kept in ms, then:
-- 'sign in': 5 when; 'newest': 5 when, if it is not known; 'seat': 5 the room, 6 how many are noted.
local what, who, ttl = ARGV[2], prefix .. 'person:' .. ARGV[3], ARGV[4]
local seats = who .. ':seats'
if what == 'seat' then
    redis.call('LREM', seats, 0, ARGV[5])
    redis.call('RPUSH', seats, ARGV[5])
    redis.call('LTRIM', seats, -tonumber(ARGV[6]), -1)
    redis.call('PEXPIRE', seats, ttl)
    return {}
end
local before, issued = tonumber(redis.call('GET', who) or '0'), tonumber(ARGV[5])
if what == 'newest' and before > 0 then return { string.format('%.0f', before) } end
if issued <= before then issued = before + 1 end
local text = string.format('%.0f', issued)
redis.call('SET', who, text, 'PX', ttl)
local answer = { text }
if what == 'sign in' then
    for _, room in ipairs(redis.call('LRANGE', seats, 0, -1)) do answer[#answer + 1] = room end
    redis.call('DEL', seats)
    redis.call('PUBLISH', prefix .. 'news', 'signed ' .. ARGV[3] .. ' ' .. text)
end
return answer
