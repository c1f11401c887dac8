-- tenant, id, name, whether it has a key, key
if call('HGET', job_at(ARGV[2]), 'tenant') == ARGV[1] then return ARGV[2] end
if ARGV[4] ~= '1' then return false end
return call('GET', key_at(ARGV[1], ARGV[3], ARGV[5]))
