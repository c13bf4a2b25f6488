"""defects.py NAME BATCH PAUSE: a backfill with a defect that public projects had, or, as NAME.fixed, without it. See the design of
backfills in docs/design.md; each defect's source is named beside it."""
import os, signal, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from session import Failed, Session

name, batch, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
fixed = name.endswith(".fixed")
name = name.removesuffix(".fixed")
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
s = Session()
if fixed:
    s.execute("SET lock_timeout = '300ms'")


def one(sql):
    rows = s.execute(sql)
    return rows[0][0] if rows else ""


def batch_of(work):
    """A batch in a transaction. A corrected program gives way where it waits for a lock, and tries again."""
    for attempt in range(20 if fixed else 1):
        s.execute("BEGIN")
        try:
            result = work()
            s.execute("COMMIT")
            return result
        except Failed as failure:
            s.execute("ROLLBACK")
            if not fixed or not str(failure).startswith(("40P01", "55P03")):
                sys.exit("ERROR: " + str(failure))
            time.sleep(0.01 * attempt)
    sys.exit("ERROR: 20 attempts failed")


def walk(update, table="orders", to_do="total IS NULL", lock=""):
    """By the key, up to the last one of the start: UPDATE of the rows ids and position."""
    upper = one("SELECT id FROM %s ORDER BY id DESC LIMIT 1" % table)
    last = None

    def work():
        after = "id > '%s' AND" % last if last else ""
        rows = s.execute("SELECT id FROM %s WHERE %s id <= '%s' AND %s ORDER BY id LIMIT %d %s"
                         % (table, after, upper, to_do, batch, lock))
        if rows:
            update([r[0] for r in rows])
        return rows[-1][0] if rows else None

    while not stop:
        position = batch_of(work)
        if position is None:
            break
        last = position
        time.sleep(pause)


def listed(ids):
    return ", ".join("'%s'" % i for i in ids)


def fill(ids, table="orders"):
    s.execute("UPDATE %s SET total = price * 2 WHERE id IN (%s) AND total IS NULL" % (table, listed(ids)))


def rest(order="ORDER BY id"):
    """Any rows that are left, until there are none."""
    while not stop:
        s.execute("UPDATE orders SET total = price * 2 WHERE id IN (SELECT id FROM orders WHERE total IS NULL %s LIMIT %d)"
                  % (order, batch))
        if s.count == 0:
            break
        time.sleep(pause)


def d1():  # stackrox #21126, clawvisor #641: the cursor moves past what was locked
    walk(fill, lock="FOR UPDATE SKIP LOCKED")


def d2():  # PostHog #69010: ends when a batch changed fewer rows than its size
    while not stop:
        ids = [r[0] for r in s.execute("SELECT id FROM orders WHERE total IS NULL ORDER BY id LIMIT %d" % batch)]
        if not ids:
            break
        fill(ids)
        if s.count < batch:
            break
        time.sleep(pause)


def d3():  # lightdash #27047: rows that cannot be filled are written again for ever
    while not stop:
        s.execute("UPDATE orders SET ratio = 100.0 / nullif(parts, 0) WHERE id IN (SELECT id FROM orders WHERE ratio IS NULL"
                  " ORDER BY id LIMIT %d)" % batch)
        if s.count == 0:
            break
        time.sleep(pause)


def d3_fixed():
    walk(lambda ids: s.execute("UPDATE orders SET ratio = 100.0 / parts WHERE id IN (%s)" % listed(ids)),
         to_do="ratio IS NULL AND parts > 0")


def d4():  # pgroll #583: never ends while the application inserts
    rest()


def d5(passes=1):  # pnp #382: a random key, and an ascending watermark
    for _ in range(passes):
        last = None
        while not stop:
            after = "id > '%s' AND" % last if last else ""
            ids = [r[0] for r in s.execute("SELECT id FROM tokens WHERE %s total IS NULL ORDER BY id LIMIT %d" % (after, batch))]
            if not ids:
                break
            batch_of(lambda: fill(ids, "tokens"))
            last = ids[-1]
            time.sleep(pause)


def d5_fixed():
    d5(2)


def d6():  # tarkovtracker #649, virtua-fc #1357: batches inside of one transaction
    s.execute("BEGIN")
    rest()
    s.execute("COMMIT")


def d7():  # Django's documented example, agentfield #953: read, compute, write the whole row
    def save(ids):
        rows = s.execute("SELECT id, customer_id, tenant, price, parts, note FROM orders WHERE id IN (%s)" % listed(ids))
        values = ", ".join("(%s, %s, %s, %s, %s, '%s')" % tuple(r) for r in rows)
        s.execute("UPDATE orders o SET customer_id = v.customer_id, tenant = v.tenant, price = v.price, parts = v.parts,"
                  " note = v.note, total = v.price * 2 FROM (VALUES %s) v (id, customer_id, tenant, price, parts, note)"
                  " WHERE o.id = v.id" % values)

    walk(save)


def d8():  # vm0 #26972: the parent is locked before the child
    def both(ids):
        s.execute("SELECT FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE id IN (%s)) ORDER BY id FOR UPDATE"
                  % listed(ids))
        fill(ids)

    walk(both)


def d9():  # zulip #19054, aikirun #196: workers lock rows in different orders
    failed = []

    def work(order):
        w = Session()
        try:
            for _ in range(100):
                ids = [r[0] for r in w.execute("SELECT id FROM orders WHERE total IS NULL ORDER BY id LIMIT %d" % batch)]
                if not ids:
                    return
                w.execute("BEGIN")
                for part in (ids[::2], ids[1::2])[::order]:
                    w.execute("UPDATE orders SET total = price * 2 WHERE id IN (%s)" % (listed(part) or "NULL"))
                    time.sleep(0.02)
                w.execute("COMMIT")
        except Failed as failure:
            failed.append(failure)

    threads = [threading.Thread(target=work, args=(order,)) for order in (1, -1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        sys.exit("ERROR: " + str(failed[0]))


def d10(save=False):  # maintenance_tasks #1048: the cursor is lost on SIGKILL
    s.execute("INSERT INTO cursors VALUES ('d10', 0) ON CONFLICT DO NOTHING")
    last = int(one("SELECT last FROM cursors"))
    upper = int(one("SELECT max(id) FROM orders"))

    def work():
        ids = [r[0] for r in s.execute("SELECT id FROM orders WHERE id > %d AND id <= %d ORDER BY id LIMIT %d" % (last, upper, batch))]
        if ids:
            s.execute("UPDATE orders SET total = coalesce(total, 0) + price WHERE id IN (%s)" % listed(ids))
            if save:
                s.execute("UPDATE cursors SET last = %s" % ids[-1])
        return int(ids[-1]) if ids else None

    while not stop:
        position = batch_of(work)
        if position is None:
            break
        last = position
        time.sleep(pause)
    s.execute("UPDATE cursors SET last = %d" % last)


def d10_fixed():
    d10(save=True)


def d11():  # NangoHQ #6346: succeeds with rows left
    walk(fill, to_do="total IS NULL AND tenant <> 9")


def d12():  # GitLab's documentation: a range of a key that is not unique
    for tenant in [r[0] for r in s.execute("SELECT DISTINCT tenant FROM orders ORDER BY 1")]:
        s.execute("UPDATE orders SET total = price * 2 WHERE tenant = %s AND total IS NULL" % tenant)
        time.sleep(pause)
        if stop:
            break


def d13():  # container-registry #1672: no cursor, so that each batch walks over the dead rows of the earlier ones
    rest(order="")


def d14():  # pgroll #648: one snapshot for the whole backfill
    holder = Session()
    holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder.execute("SELECT count(*) FROM orders")
    walk(fill)
    holder.execute("COMMIT")


def d_fixed():
    walk(fill)


programs = globals()
programs[name + "_fixed" if fixed and name + "_fixed" in programs else "d_fixed" if fixed else name]()
