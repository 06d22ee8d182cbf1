-- How many rooms are open, and how many seats are taken: each seat, and each closed room, has one deadline.
local ended = redis.call('ZCARD', closed)
return { tostring(redis.call('ZCARD', rooms) - ended), tostring(redis.call('ZCARD', due) - ended) }
