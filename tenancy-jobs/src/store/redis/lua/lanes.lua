-- Begins every script of the queue: the names of its keys, the server's clock, and where a tenant stands. It runs with each
-- job that is sent, so what only other scripts need is in `jobs.lua`.
--
-- KEYS[1] is the root, such as `tenancy-jobs:{default}:`. All names begin with it, so all are in its slot.
--
--   job:ID               hash    what the table `jobs` of the other databases has as a row
--   waiting:QUEUE:TENANT sorted  jobs by the time from which they may run
--   running:QUEUE:TENANT set     jobs in workers' hands
--   dead:QUEUE:TENANT    sorted  jobs that were given up, by when
--   lane:QUEUE:TENANT    hash    weight, at_once, and finish: how much of the queue was given
--   lanes:QUEUE          set     tenants that ever had a job or a share
--   parked:QUEUE         set     tenants whose jobs are held back
--   ready:QUEUE          sorted  tenants with a job that may be begun now, by finish
--   asleep:QUEUE         sorted  tenants whose first job is for later, by when
--   leases:QUEUE         sorted  running jobs, by when their lease ends
--   queues               hash    queues, each with its clock of turns
--   done                 sorted  done jobs that have a key, by when
--   key:...              string  the job that has a tenant's key
--   schedules            hash    up to when each was done
local root = KEYS[1]
local call = redis.call

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function job_at(id) return root .. 'job:' .. id end
local function waiting_at(queue, tenant) return root .. 'waiting:' .. queue .. ':' .. tenant end
local function running_at(queue, tenant) return root .. 'running:' .. queue .. ':' .. tenant end
local function dead_at(queue, tenant) return root .. 'dead:' .. queue .. ':' .. tenant end
local function lane_at(queue, tenant) return root .. 'lane:' .. queue .. ':' .. tenant end
local function lanes_at(queue) return root .. 'lanes:' .. queue end
local function parked_at(queue) return root .. 'parked:' .. queue end
local function ready_at(queue) return root .. 'ready:' .. queue end
local function asleep_at(queue) return root .. 'asleep:' .. queue end
local function leases_at(queue) return root .. 'leases:' .. queue end
local queues_at, done_at = root .. 'queues', root .. 'done'

-- The name's length keeps `a:b` + `c` from being `a` + `b:c`.
local function key_at(tenant, name, key)
  return root .. 'key:' .. tenant .. ':' .. #name .. ':' .. name .. ':' .. key
end

-- A number in a hash, which may hold whatever somebody else wrote there.
local function number(text, otherwise) return tonumber(text or nil) or otherwise end

local function share_of(queue, tenant)
  local lane = call('HMGET', lane_at(queue, tenant), 'weight', 'at_once', 'finish')
  return number(lane[1], 1), number(lane[2], 1000), number(lane[3], 0)
end

-- Puts a tenant where it belongs after a change: among those who may have a turn, among those who wait for a time, or nowhere.
local function place(queue, tenant)
  local first = call('ZRANGE', waiting_at(queue, tenant), 0, 0, 'WITHSCORES')
  if first[1] and call('SISMEMBER', parked_at(queue), tenant) == 0 then
    local _, at_once, finish = share_of(queue, tenant)
    if call('SCARD', running_at(queue, tenant)) < at_once then
      local due = tonumber(first[2])
      if due <= now then
        call('ZADD', ready_at(queue), finish, tenant)
        call('ZREM', asleep_at(queue), tenant)
      else
        call('ZADD', asleep_at(queue), due, tenant)
        call('ZREM', ready_at(queue), tenant)
      end
      return
    end
  end
  call('ZREM', ready_at(queue), tenant)
  call('ZREM', asleep_at(queue), tenant)
end

