-- tenant, how many
local found = {}
for _, queue in ipairs(queues()) do
  for _, id in ipairs(call('ZRANGE', dead_at(queue, ARGV[1]), 0, ARGV[2] - 1, 'REV')) do
    local job = fields_of(id, 'tenant', 'name', 'state', 'attempt', 'error', 'created_at', 'run_at', 'changed_at')
    if job[1] == ARGV[1] then found[#found + 1] = {id, job} end
  end
end
return found
