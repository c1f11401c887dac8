-- queue, worker, lease in milliseconds, then ids
even_if_full()
for at = 4, #ARGV do
  if call('HGET', job_at(ARGV[at]), 'lease_by') == ARGV[2] then
    call('ZADD', leases_at(ARGV[1]), 'XX', now + ARGV[3], ARGV[at])
  end
end
