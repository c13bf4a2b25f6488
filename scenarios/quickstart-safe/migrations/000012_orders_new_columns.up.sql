-- SHOP-411, 1 of 5: every order gets an id that cannot be guessed. Two statements on purpose: ADD COLUMN ... DEFAULT gen_random_uuid()
-- would give each row its own value now, and so rewrite the table; this way only new rows get one, and 000013 sees to the old.
-- SHOP-452, 1 of 2: an order keeps its sum. The application that writes it for new orders is out since release 61.
--
-- lock_timeout: while an ALTER waits for its lock, everyone else queues behind it. Rather fail, and be run again.
SET LOCAL lock_timeout = '1s';
ALTER TABLE orders
    ADD COLUMN public_id uuid,
    ADD COLUMN total_cents bigint;
ALTER TABLE orders ALTER COLUMN public_id SET DEFAULT gen_random_uuid();
