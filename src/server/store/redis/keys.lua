-- The keys behind tokens. ARGV: 2 the asking process' own, 3 whether they replace those that are there (1 or 0), 4 how long they stay.
local key = prefix .. 'keys'
if ARGV[3] == '1' then
    redis.call('SET', key, ARGV[2])
else
    redis.call('SET', key, ARGV[2], 'NX')
end
redis.call('PEXPIRE', key, ARGV[4])
return { redis.call('GET', key) }
