local names = {}
for _, queue in ipairs(queues()) do names[#names + 1] = parked_at(queue) end
if #names == 0 then return {} end
return call('SUNION', unpack(names))
