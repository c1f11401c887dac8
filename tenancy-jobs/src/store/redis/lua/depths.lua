-- queue, then tenants: what waits, how much of it may run, for how long, what runs, what is dead, whether it is held back
local queue, found = ARGV[1], {}
for at = 2, #ARGV do
  local tenant = ARGV[at]
  local first = call('ZRANGE', waiting_at(queue, tenant), 0, 0, 'WITHSCORES')
  found[#found + 1] = {
    tenant,
    call('ZCARD', waiting_at(queue, tenant)),
    call('ZCOUNT', waiting_at(queue, tenant), '-inf', now),
    first[2] and now - first[2] or 0,
    call('SCARD', running_at(queue, tenant)),
    call('ZCARD', dead_at(queue, tenant)),
    call('SISMEMBER', parked_at(queue), tenant),
  }
end
return found
