SET LOCAL lock_timeout = '1s';
ALTER TABLE orders
    DROP COLUMN total_cents,
    DROP COLUMN public_id;
