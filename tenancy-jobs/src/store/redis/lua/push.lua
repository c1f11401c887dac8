-- queue, who sends, tenant, id, when or '', attempts, name, version, whether it has a key, key, body, signer, mark
local queue, sender, tenant, id, run_at = ARGV[1], ARGV[2], ARGV[3], ARGV[4], number(ARGV[5], now)
local name, has_key = ARGV[7], ARGV[9] == '1'
local key = has_key and key_at(tenant, name, ARGV[10])
local job, waiting = job_at(id), waiting_at(queue, tenant)
if call('EXISTS', job) == 1 or (key and call('EXISTS', key) == 1) then return 0 end
-- The first write: with no memory left it is refused, and nothing has happened.
call('HSET', job, 'queue', queue, 'tenant', tenant, 'max_attempts', ARGV[6], 'name', name, 'version', ARGV[8],
  'body', ARGV[11], 'signer', ARGV[12], 'mark', ARGV[13], 'attempt', 0, 'created_at', now, 'state', 0, 'run_at', run_at,
  'changed_at', now)
if key then
  call('HSET', job, 'key', ARGV[10])
  call('SET', key, id)
end
call('ZADD', waiting, run_at, id)
-- Behind another one it changes nothing about whose turn it is, and is no news to anybody; and whoever has one that waits
-- is known already.
if call('ZRANGE', waiting, 0, 0)[1] == id then
  call('HSETNX', queues_at, queue, 0)
  call('SADD', lanes_at(queue), tenant)
  place(queue, tenant)
  call('PUBLISH', root .. 'news', sender .. ' ' .. queue)
end
return 1
