SET LOCAL lock_timeout = '1s';
ALTER TABLE orders DROP CONSTRAINT orders_public_id_present;
