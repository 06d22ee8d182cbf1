-- Commits a change of one room, if the room is still what the asking process takes it for. ARGV[2] is the order, in JSON.
local order = cjson.decode(ARGV[2])
local id = order.room
local room, events = room_key(id), events_key(id)

if order.due then
    local at = redis.call('ZSCORE', due, order.due.who)
    if not at or tonumber(at) > order.due.claim then return { 'late' } end
end

local known = redis.call('HMGET', room, 'version', 'doc', 'number', 'listed', 'owner', 'bytes', 'said_bytes')
if (known[1] or '') ~= order.known then
    if not known[1] then return { 'gone' } end
    return { 'newer', known[1], known[2], known[3] }
end
if order.what == 'look' then return { 'same' } end
if order.what == 'forget' then
    forget(id)
    return { 'forgotten' }
end

local number = known[3]
if order.what == 'create' then
    if known[1] then
        forget(id)
        known = {}
    end
    -- Rooms that were left alone by all processes have ended without a word.
    redis.call('ZREMRANGEBYSCORE', rooms, '-inf', order.now)
    redis.call('ZREMRANGEBYSCORE', owner_key(order.owner), '-inf', order.now)
    local own = redis.call('ZCARD', owner_key(order.owner))
    if own >= order.most_own then return { 'too many own', tostring(own) } end
    if redis.call('ZCARD', rooms) >= order.most_rooms then
        -- The memory of the room that was dissolved first makes way.
        local oldest = redis.call('ZRANGE', closed, 0, 0)
        if not oldest[1] then return { 'full' } end
        forget(oldest[1])
    end
    number = tostring(redis.call('INCR', prefix .. 'created'))
    redis.call('HSET', room, 'number', number)
end

if order.doc then
    redis.call('HSET', room, 'doc', order.doc, 'version', order.version, 'seq', order.seq)
end

if #order.events > 0 then
    local bytes = tonumber(known[6] or '0')
    for _, event in ipairs(order.events) do
        redis.call('RPUSH', events, event)
        bytes = bytes + #event
    end
    local count = redis.call('LLEN', events)
    while count > order.most_events or (bytes > order.most_bytes and count > 1) do
        bytes = bytes - #redis.call('LPOP', events)
        count = count - 1
    end
    redis.call('HSET', room, 'bytes', bytes)
end

if #order.messages > 0 then
    local messages, bytes = messages_key(id), tonumber(known[7] or '0')
    for _, message in ipairs(order.messages) do
        -- What comes back after a restart may be there already.
        if redis.call('ZADD', messages, message[1], message[2]) == 1 then bytes = bytes + #message[2] end
    end
    local count = redis.call('ZCARD', messages)
    while count > order.most_messages or (bytes > order.most_message_bytes and count > 1) do
        bytes = bytes - #redis.call('ZPOPMIN', messages)[1]
        count = count - 1
    end
    redis.call('HSET', room, 'said_bytes', bytes)
end

for _, deadline in ipairs(order.deadlines) do
    local who, how, at = deadline[1], deadline[2], deadline[3]
    if how == 'never' then
        redis.call('ZREM', due, who)
    elseif how == 'at' then
        redis.call('ZADD', due, at, who)
    else
        redis.call('ZADD', due, 'GT', at, who)
    end
    if who == id then redis.call('ZADD', closed, at, id) end
end

local was, is = known[4] or '', order.listed or ''
if was ~= is then
    if was ~= '' then unlist(id, was) end
    if is ~= '' then
        redis.call('ZADD', listed, number, id)
        redis.call('ZADD', name_key(is), number, id)
    end
    redis.call('HSET', room, 'listed', is)
end
was, is = known[5] or '', order.owner or ''
if was ~= is then
    if was ~= '' then redis.call('ZREM', owner_key(was), id) end
    redis.call('HSET', room, 'owner', is)
end

-- Whatever nobody touches any more ends by itself.
redis.call('PEXPIRE', room, order.ttl_ms)
redis.call('PEXPIRE', events, order.ttl_ms)
redis.call('PEXPIRE', messages_key(id), order.ttl_ms)
redis.call('ZADD', rooms, order.expires, id)
for _, key in ipairs({ due, closed, rooms, listed }) do redis.call('PEXPIRE', key, order.ttl_ms) end
if is ~= '' then
    redis.call('ZADD', owner_key(is), order.expires, id)
    redis.call('PEXPIRE', owner_key(is), order.ttl_ms)
end
if order.listed then redis.call('PEXPIRE', name_key(order.listed), order.ttl_ms) end

for _, news in ipairs(order.news) do redis.call('PUBLISH', prefix .. 'news', news) end
return { 'done', number }
