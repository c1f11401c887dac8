-- queue, who sends, tenant, id, when or '', attempts, name, version, whether it has a key, key, body, signer, mark
local queue, sender, tenant, id, run_at = ARGV[1], ARGV[2], ARGV[3], ARGV[4], number(ARGV[5], now)
local name, has_key, key = ARGV[7], ARGV[9] == '1', key_at(ARGV[3], ARGV[7], ARGV[10])
if call('EXISTS', job_at(id)) == 1 or (has_key and call('EXISTS', key) == 1) then return 0 end
-- The first write: with no memory left it is refused, and nothing has happened.
call('HSET', job_at(id), 'queue', queue, 'tenant', tenant, 'max_attempts', ARGV[6], 'name', name, 'version', ARGV[8],
  'body', ARGV[11], 'signer', ARGV[12], 'mark', ARGV[13], 'attempt', 0, 'created_at', now, 'state', 0, 'run_at', run_at,
  'changed_at', now)
if has_key then
  call('HSET', job_at(id), 'key', ARGV[10])
  call('SET', key, id)
end
call('HSETNX', queues_at, queue, 0)
call('ZADD', waiting_at(queue, tenant), run_at, id)
call('SADD', lanes_at(queue), tenant)
-- Behind another one it changes nothing about whose turn it is, and is no news to anybody.
if call('ZRANGE', waiting_at(queue, tenant), 0, 0)[1] == id then
  place(queue, tenant)
  call('PUBLISH', root .. 'news', sender .. ' ' .. queue)
end
return 1
