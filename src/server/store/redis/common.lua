-- What all scripts share. ARGV[1] is what all keys begin with; the channel has the same name.
local prefix = ARGV[1]
local due, closed, rooms, listed = prefix .. 'due', prefix .. 'closed', prefix .. 'rooms', prefix .. 'listed'

local function room_key(id) return prefix .. 'room:' .. id end
local function events_key(id) return prefix .. 'events:' .. id end
local function messages_key(id) return prefix .. 'messages:' .. id end
local function watchers_key(id) return prefix .. 'watchers:' .. id end
local function watching_key(id) return prefix .. 'watching:' .. id end
local function name_key(name) return prefix .. 'name:' .. name end
local function owner_key(owner) return prefix .. 'owner:' .. owner end

-- Takes a room out of the list.
local function unlist(id, name)
    redis.call('ZREM', listed, id)
    redis.call('ZREM', name_key(name), id)
end

-- Forgets a room and all that is kept beside it, and tells those who wait.
local function forget(id)
    local known = redis.call('HMGET', room_key(id), 'listed', 'owner')
    if known[1] and known[1] ~= '' then unlist(id, known[1]) end
    if known[2] and known[2] ~= '' then redis.call('ZREM', owner_key(known[2]), id) end
    redis.call('DEL', room_key(id), events_key(id), messages_key(id), watchers_key(id), watching_key(id))
    redis.call('ZREM', due, id)
    redis.call('ZREM', closed, id)
    redis.call('ZREM', rooms, id)
    redis.call('PUBLISH', prefix .. 'news', 'woken ' .. id)
end
