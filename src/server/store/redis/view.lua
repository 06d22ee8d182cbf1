-- A room as it is, unless the asking process has it already, and what happened in it. ARGV: 2 room, 3 version known, 4 events after this
-- number (empty: none), 5 how many of them.
local id = ARGV[2]
local known = redis.call('HMGET', room_key(id), 'version', 'doc', 'number', 'seq')
if not known[1] then return { 'gone' } end
local answer = { 'same', '', '', '', '0', '0' }
if known[1] ~= ARGV[3] then answer = { 'newer', known[1], known[2], known[3], '0', '0' } end
if ARGV[4] ~= '' then
    local since, last = tonumber(ARGV[4]), tonumber(known[4])
    local count = redis.call('LLEN', events_key(id))
    local first = last - count + 1
    answer[5], answer[6] = tostring(first), tostring(last)
    if since < last then
        local skip = math.max(since + 1 - first, 0)
        for _, event in ipairs(redis.call('LRANGE', events_key(id), skip, skip + tonumber(ARGV[5]) - 1)) do
            answer[#answer + 1] = event
        end
    end
end
return answer
