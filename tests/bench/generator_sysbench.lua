-- pgbench's select-only and TPC-B-like transactions for sysbench, with prepared statements.
sysbench.cmdline.options = {work = {"select or tpcb", "select"}, scale = {"rows of pgbench_branches", 1}}

local texts = {
   {"UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2", 2},
   {"SELECT abalance FROM pgbench_accounts WHERE aid = $1", 1},
   {"UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2", 2},
   {"UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2", 2},
   {"INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)", 4}
}

function thread_init()
   con = sysbench.sql.driver():connect()
   statements = {}
   for i, text in ipairs(texts) do
      local statement, parameters = con:prepare((text[1]:gsub("%$%d", "?"))), {}
      for p = 1, text[2] do
         parameters[p] = statement:bind_create(sysbench.sql.type.INT)
      end
      statement:bind_param(unpack(parameters))
      statements[i] = {statement, parameters}
   end
end

local function execute(number, ...)
   local statement = statements[number]
   for i, value in ipairs({...}) do
      statement[2][i]:set(value)
   end
   statement[1]:execute()
end

function event()
   local scale = sysbench.opt.scale
   local aid = sysbench.rand.uniform(1, 100000 * scale)
   if sysbench.opt.work == "select" then
      execute(2, aid)
      return
   end
   local bid, tid = sysbench.rand.uniform(1, scale), sysbench.rand.uniform(1, 10 * scale)
   local delta = sysbench.rand.uniform(0, 10000) - 5000
   con:query("BEGIN")
   execute(1, delta, aid)
   execute(2, aid)
   execute(3, delta, tid)
   execute(4, delta, bid)
   execute(5, tid, bid, aid, delta)
   con:query("COMMIT")
end

function thread_done()
   con:disconnect()
end
