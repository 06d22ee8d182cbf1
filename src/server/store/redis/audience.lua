-- Those who watch a room. ARGV: 2 what to do, 3 room, 4 now; the rest depends on what. Whose time is up is nobody.
local what, id, now = ARGV[2], ARGV[3], ARGV[4]
local watchers, until_when = watchers_key(id), watching_key(id)
for _, viewer in ipairs(redis.call('ZRANGEBYSCORE', until_when, '-inf', now)) do
    redis.call('HDEL', watchers, viewer)
end
redis.call('ZREMRANGEBYSCORE', until_when, '-inf', now)
if what == 'watch' then
    -- 5 viewer, 6 the document, 7 until when, 8 how many may, 9 how long the keys stay.
    local there = redis.call('ZSCORE', until_when, ARGV[5])
    if not there and redis.call('ZCARD', until_when) >= tonumber(ARGV[8]) then return {} end
    redis.call('HSET', watchers, ARGV[5], ARGV[6])
    redis.call('ZADD', until_when, ARGV[7], ARGV[5])
    redis.call('PEXPIRE', watchers, ARGV[9])
    redis.call('PEXPIRE', until_when, ARGV[9])
    return { tostring(redis.call('ZCARD', until_when)) }
elseif what == 'find' then
    -- 5 viewer.
    local found = redis.call('HGET', watchers, ARGV[5])
    if found then return { found } end
    return {}
elseif what == 'drop' then
    -- 5 viewer.
    redis.call('HDEL', watchers, ARGV[5])
    return { tostring(redis.call('ZREM', until_when, ARGV[5])) }
end
-- A page. 5 how many to skip, 6 how many to show.
local answer = { tostring(redis.call('ZCARD', until_when)) }
local skip, most = tonumber(ARGV[5]), tonumber(ARGV[6])
if most > 0 then
    local ids = redis.call('HKEYS', watchers)
    table.sort(ids)
    for i = skip + 1, math.min(skip + most, #ids) do
        answer[#answer + 1] = redis.call('HGET', watchers, ids[i])
    end
end
return answer
