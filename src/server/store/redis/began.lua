-- Since when this store remembers. ARGV: 2 now, 3 how long that is kept in ms.
local key = prefix .. 'began'
redis.call('SET', key, ARGV[2], 'NX')
redis.call('PEXPIRE', key, ARGV[3])
return { redis.call('GET', key) }
