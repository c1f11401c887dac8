-- tenant, error, how many at most
local tenant, most, buried = ARGV[1], tonumber(ARGV[3]), 0
even_if_full()
for _, queue in ipairs(queues()) do
  local ids = call('ZRANGE', waiting_at(queue, tenant), 0, most - 1 - buried)
  if buried < most then
    for _, id in ipairs(ids) do
      call('ZREM', waiting_at(queue, tenant), id)
      die(id, queue, tenant, ARGV[2])
    end
    buried = buried + #ids
  end
  place(queue, tenant)
end
return buried
