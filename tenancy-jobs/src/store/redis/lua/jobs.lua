-- Begins every script but `push`, behind `lanes.lua`: what becomes of a job.

-- What only moves and removes must go on when the memory is full, or nobody could make room. Redis asks before the first
-- write of a script whether that may need memory, and then lets the script come to its end: so begin with one that doesn't.
local function even_if_full() call('DEL', root) end

local function queues() return call('HKEYS', queues_at) end

-- Nothing, if it is no hash any more.
local function fields_of(id, ...)
  local fields = redis.pcall('HMGET', job_at(id), ...)
  return fields.err and {} or fields
end

-- Lets go of a job that runs.
local function release(id, queue, lane)
  call('ZREM', leases_at(queue), id)
  call('SREM', running_at(queue, lane), id)
  call('HDEL', job_at(id), 'lease_by', 'lane')
end

local function wait(id, queue, tenant, run_at)
  call('HSET', job_at(id), 'state', 0, 'run_at', run_at, 'changed_at', now)
  call('ZADD', waiting_at(queue, tenant), run_at, id)
  call('SADD', lanes_at(queue), tenant)
end

local function die(id, queue, tenant, error)
  call('HSET', job_at(id), 'state', 2, 'changed_at', now)
  if error then call('HSET', job_at(id), 'error', error) end
  call('ZADD', dead_at(queue, tenant), now, id)
  call('SADD', lanes_at(queue), tenant)
end

-- Forgets a job and its key, if that is its own.
local function forget(id)
  local job = fields_of(id, 'tenant', 'name', 'key')
  if job[1] and job[2] and job[3] then
    local key = key_at(job[1], job[2], job[3])
    if call('GET', key) == id then call('DEL', key) end
  end
  call('DEL', job_at(id))
end

