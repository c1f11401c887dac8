-- queue or '' for all that the tenant has a lane in, tenant, whether to hold back
local queue, tenant, command = ARGV[1], ARGV[2], ARGV[3] == '1' and 'SADD' or 'SREM'
even_if_full()
if queue ~= '' then
  call('SADD', lanes_at(queue), tenant)
  call('HSETNX', queues_at, queue, 0)
end
for _, each in ipairs(queue ~= '' and {queue} or queues()) do
  if call('SISMEMBER', lanes_at(each), tenant) == 1 then
    call(command, parked_at(each), tenant)
    place(each, tenant)
  end
end
