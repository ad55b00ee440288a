-- Remembers one proof, if it is unknown and could not have been forgotten.
-- KEYS: when this memory began; the proof; the proofs of its key, in this stretch of time and in the one before
-- ARGV: the server's time; how far clocks may be apart; the first second the proof could have been used in; how long to remember it;
--       the most proofs of one key; how long to remember their number (all in seconds)
local time = tonumber(redis.call('TIME')[1])
if math.abs(time - tonumber(ARGV[1])) > tonumber(ARGV[2]) then
  return 'clock'
end
local began = redis.call('GET', KEYS[1])
if not began then
  redis.call('SET', KEYS[1], time)
  return 'new'
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 'replayed'
end
if tonumber(ARGV[3]) <= tonumber(began) then
  return 'young'
end
local held = tonumber(redis.call('GET', KEYS[3]) or 0) + tonumber(redis.call('GET', KEYS[4]) or 0)
if held >= tonumber(ARGV[5]) then
  return 'share'
end
redis.call('SET', KEYS[2], '', 'EX', ARGV[4])
redis.call('INCR', KEYS[3])
redis.call('EXPIRE', KEYS[3], ARGV[6])
return 'ok'
