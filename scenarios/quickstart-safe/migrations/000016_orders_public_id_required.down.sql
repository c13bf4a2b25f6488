SET LOCAL lock_timeout = '1s';
ALTER TABLE orders ALTER COLUMN public_id DROP NOT NULL;
ALTER TABLE orders ADD CONSTRAINT orders_public_id_present CHECK (public_id IS NOT NULL) NOT VALID;
