-- queue, worker, how many, lease in milliseconds, how many tenants to wake at most
local queue, worker, most, lease, wake = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
even_if_full()
for _, tenant in ipairs(call('ZRANGE', asleep_at(queue), '-inf', now, 'BYSCORE', 'LIMIT', 0, wake)) do
  place(queue, tenant)
end
local clock = number(call('HGET', queues_at, queue), 0)
local taken, touched = {}, {}
-- The tenant with the least first, one job of it, and so on: each step costs the same, however much waits.
while #taken < most do
  local tenant = call('ZRANGE', ready_at(queue), 0, 0)[1]
  if not tenant then break end
  local weight, at_once, finish = share_of(queue, tenant)
  local first = call('ZRANGE', waiting_at(queue, tenant), 0, 0, 'WITHSCORES')
  if not first[1] or tonumber(first[2]) > now or call('SCARD', running_at(queue, tenant)) >= at_once then
    place(queue, tenant)
  else
    local id = first[1]
    call('ZREM', waiting_at(queue, tenant), id)
    local job = fields_of(id, 'tenant', 'name', 'version', 'key', 'body', 'signer', 'mark', 'max_attempts', 'attempt', 'created_at')
    if job[1] then
      local turn = math.max(finish, clock)
      clock, finish = turn, turn + math.floor(1000000 / weight)
      local attempt = number(job[9], 0) + 1
      call('HSET', job_at(id), 'state', 1, 'attempt', attempt, 'lease_by', worker, 'lane', tenant, 'changed_at', now)
      call('ZADD', leases_at(queue), now + lease, id)
      call('SADD', running_at(queue, tenant), id)
      call('HSET', lane_at(queue, tenant), 'finish', finish)
      call('ZADD', ready_at(queue), finish, tenant)
      job[9] = tostring(attempt)
      taken[#taken + 1] = {id, job}
    end
    touched[tenant] = true
  end
end
for tenant in pairs(touched) do place(queue, tenant) end
if #taken > 0 then call('HSET', queues_at, queue, clock) end
return taken
