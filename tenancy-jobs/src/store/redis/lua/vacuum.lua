-- before when, how many at most
local old = call('ZRANGE', done_at, '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(old) do
  call('ZREM', done_at, id)
  forget(id)
end
return #old
