-- queue, tenant, weight, at_once
call('HSET', lane_at(ARGV[1], ARGV[2]), 'weight', ARGV[3], 'at_once', ARGV[4])
call('SADD', lanes_at(ARGV[1]), ARGV[2])
call('HSETNX', queues_at, ARGV[1], 0)
place(ARGV[1], ARGV[2])
