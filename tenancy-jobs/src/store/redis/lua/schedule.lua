-- name, when it begins if it is new, up to when it was done or ''
local at, name, up_to = root .. 'schedules', ARGV[1], tonumber(ARGV[3])
call('HSETNX', at, name, ARGV[2])
if up_to and number(call('HGET', at, name), 0) < up_to then call('HSET', at, name, ARGV[3]) end
return call('HGET', at, name)
