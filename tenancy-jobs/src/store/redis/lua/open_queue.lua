-- queue
if call('HEXISTS', queues_at, ARGV[1]) == 1 then return end
even_if_full()
call('HSETNX', queues_at, ARGV[1], 0)
