-- tenant, id
local tenant, id = ARGV[1], ARGV[2]
local job = fields_of(id, 'tenant', 'state', 'queue')
if job[1] ~= tenant or job[2] ~= '2' then return 0 end
even_if_full()
call('ZREM', dead_at(job[3], tenant), id)
call('HSET', job_at(id), 'attempt', 0)
wait(id, job[3], tenant, now)
place(job[3], tenant)
return 1
