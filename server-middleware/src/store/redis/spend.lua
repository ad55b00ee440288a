-- Counts one use of each counter, or of none. Answers with the places of counters that are spent; -1 says that the owner has too many,
-- -2 that clocks are apart, -3 that this memory has just begun.
-- KEYS: when this memory began; the counters of the owner; each counter
-- ARGV: the server's time; how far clocks may be apart (seconds); the most counters of one owner; then for each counter its limit, and the
--       last second it is remembered in
local now, time = tonumber(ARGV[1]), tonumber(redis.call('TIME')[1])
if math.abs(time - now) > tonumber(ARGV[2]) then
  return { -2 }
end
if redis.call('SET', KEYS[1], time, 'NX') then
  return { -3 }
end
local missing, spent = {}, {}
for at = 3, #KEYS do
  local used = redis.call('GET', KEYS[at])
  if not used then
    missing[#missing + 1] = at
  elseif tonumber(used) >= tonumber(ARGV[2 * at - 2]) then
    spent[#spent + 1] = at - 3
  end
end
if #spent > 0 then
  return spent
end
if #missing > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. now)
  if redis.call('ZCARD', KEYS[2]) + #missing > tonumber(ARGV[3]) then
    return { -1 }
  end
end
for at = 3, #KEYS do
  -- remembered for as long as any server may count in it, whatever its clock says
  local last = tonumber(ARGV[2 * at - 1])
  local lasts = last - now + 1 + 2 * tonumber(ARGV[2])
  redis.call('INCR', KEYS[at])
  if redis.call('TTL', KEYS[at]) < lasts then
    redis.call('EXPIRE', KEYS[at], lasts)
  end
  redis.call('ZADD', KEYS[2], 'GT', last, KEYS[at])
  if redis.call('TTL', KEYS[2]) < lasts then
    redis.call('EXPIRE', KEYS[2], lasts)
  end
end
return {}
