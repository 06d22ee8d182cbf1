-- What was said in a room, the newest first. ARGV: 2 room, 3 before which number (empty: any), 4 how many at most.
local before = '+inf'
if ARGV[3] ~= '' then before = '(' .. ARGV[3] end
return redis.call('ZREVRANGEBYSCORE', messages_key(ARGV[2]), before, '-inf', 'LIMIT', 0, ARGV[4])
