-- A page of the open rooms, the newest first: how many there are, then their numbers and documents. ARGV: 2 how many to skip, 3 how many to show.
local open = {}
for _, id in ipairs(redis.call('ZRANGE', rooms, 0, -1)) do
    local known = redis.call('HMGET', room_key(id), 'number', 'owner')
    if known[1] and known[2] and known[2] ~= '' then open[#open + 1] = { tonumber(known[1]), id } end
end
table.sort(open, function(a, b) return a[1] > b[1] end)
local answer = { tostring(#open) }
for i = ARGV[2] + 1, math.min(ARGV[2] + ARGV[3], #open) do
    answer[#answer + 1] = tostring(open[i][1])
    answer[#answer + 1] = redis.call('HGET', room_key(open[i][2]), 'doc')
end
return answer
