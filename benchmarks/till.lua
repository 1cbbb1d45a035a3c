-- A till for wrk: each request names one of the seeded members at random; a purchase has a receipt and a key of its own.
-- What it says comes in BENCH_ variables. Prints one line of JSON when it is done.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
   thread:set("number", #threads)
end

function init(args)
   path = os.getenv("BENCH_PATH")
   body = os.getenv("BENCH_BODY")
   prefix = os.getenv("BENCH_PREFIX") .. "-" .. number .. "-"
   members = tonumber(os.getenv("BENCH_MEMBERS"))
   keyed = os.getenv("BENCH_KEYED") == "yes"
   sent = 0
   headers = { ["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY"), ["Content-Type"] = "application/json" }
   math.randomseed(os.time() + number)
end

function request()
   sent = sent + 1
   local phone = string.format("%05d", math.random(0, members - 1))
   if not keyed then
      return wrk.format("POST", path, headers, string.format(body, phone))
   end
   local receipt = prefix .. sent
   headers["Idempotency-Key"] = receipt
   return wrk.format("POST", path, headers, string.format(body, receipt, phone))
end

function done(summary, latency, requests)
   local sent = 0
   for _, thread in ipairs(threads) do
      sent = sent + thread:get("sent")
   end
   local wrong = summary.errors
   io.write(string.format(
      '\n{"sent": %d, "answered": %d, "refused": %d, "broken": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f}\n',
      sent, summary.requests, wrong.status, wrong.connect + wrong.read + wrong.write + wrong.timeout,
      summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
