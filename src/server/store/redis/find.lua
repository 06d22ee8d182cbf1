-- The newest listed room of a name. ARGV: 2 the name.
while true do
    local id = redis.call('ZREVRANGE', name_key(ARGV[2]), 0, 0)[1]
    if not id then return {} end
    if redis.call('EXISTS', room_key(id)) == 1 then return { id } end
    redis.call('ZREM', name_key(ARGV[2]), id)
end
