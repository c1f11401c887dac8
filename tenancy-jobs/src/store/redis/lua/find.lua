-- tenant, id
local job = fields_of(ARGV[2], 'tenant', 'name', 'state', 'attempt', 'error', 'created_at', 'run_at', 'changed_at')
if job[1] ~= ARGV[1] then return false end
return {ARGV[2], job}
