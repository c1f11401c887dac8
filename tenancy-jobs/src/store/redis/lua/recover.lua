-- queue, how many at most, what is said of those that have no attempt left
local queue = ARGV[1]
local ended = call('ZRANGE', leases_at(queue), '-inf', '(' .. string.format('%.0f', now), 'BYSCORE', 'LIMIT', 0, ARGV[2])
if #ended == 0 then return 0 end
even_if_full()
for _, id in ipairs(ended) do
  local job = fields_of(id, 'lane', 'tenant', 'attempt', 'max_attempts', 'run_at')
  if not (job[1] or job[2]) then
    call('ZREM', leases_at(queue), id)
  else
    local tenant = job[1] or job[2]
    release(id, queue, tenant)
    if number(job[3], 0) >= number(job[4], 1) then
      die(id, queue, tenant, ARGV[3])
    else
      wait(id, queue, tenant, number(job[5], now))
    end
    place(queue, tenant)
  end
end
return #ended
