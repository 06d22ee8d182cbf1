-- A page of the list: how many there are, then rooms. ARGV: 2 how many to skip, 3 how many to show.
local answer = {}
local skip, most = tonumber(ARGV[2]), tonumber(ARGV[3])
for _, id in ipairs(redis.call('ZREVRANGE', listed, skip, skip + most - 1)) do
    local doc = redis.call('HGET', room_key(id), 'doc')
    if doc then
        answer[#answer + 1] = doc
    else
        -- It has ended without a word.
        redis.call('ZREM', listed, id)
    end
end
table.insert(answer, 1, tostring(redis.call('ZCARD', listed)))
return answer
