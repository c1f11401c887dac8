-- tenant, id
local tenant, id = ARGV[1], ARGV[2]
local job = fields_of(id, 'tenant', 'state', 'queue')
if job[1] ~= tenant or job[2] == '1' then return 0 end
call('ZREM', waiting_at(job[3], tenant), id)
call('ZREM', dead_at(job[3], tenant), id)
call('ZREM', done_at, id)
forget(id)
place(job[3], tenant)
return 1
