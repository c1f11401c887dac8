-- worker, then for each: id, attempt, state or 'done', delay, what is added to the attempts, whether there is an error, error
local worker = ARGV[1]
even_if_full()
local touched = {}
for at = 2, #ARGV, 7 do
  local id, attempt, state, delay = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local job = fields_of(id, 'state', 'lease_by', 'attempt', 'queue', 'lane', 'key')
  -- Who has lost it meanwhile no longer decides.
  if job[1] == '1' and job[2] == worker and job[3] == attempt and job[4] and job[5] then
    local queue, tenant = job[4], job[5]
    release(id, queue, tenant)
    if state ~= 'done' then
      local error = ARGV[at + 5] == '1' and ARGV[at + 6] or nil
      call('HINCRBY', job_at(id), 'attempt', ARGV[at + 4])
      if state == '2' then
        call('HSET', job_at(id), 'run_at', now)
        die(id, queue, tenant, error)
      else
        if error then call('HSET', job_at(id), 'error', error) end
        wait(id, queue, tenant, now + delay)
      end
    elseif job[6] then
      call('HSET', job_at(id), 'state', 3, 'body', '', 'changed_at', now)
      call('HDEL', job_at(id), 'error')
      call('ZADD', done_at, now, id)
    else
      call('DEL', job_at(id))
    end
    touched[queue .. ':' .. tenant] = {queue, tenant}
  end
end
for _, lane in pairs(touched) do place(lane[1], lane[2]) end
