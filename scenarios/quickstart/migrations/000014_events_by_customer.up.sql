-- SHOP-423: a customer's last visits, for support. The only statement of its file: golang-migrate sends a file as one
-- query, several statements would share a transaction, and CONCURRENTLY refuses to run in one.
CREATE INDEX CONCURRENTLY events_customer_id_occurred_at_idx ON events (customer_id, occurred_at) WHERE customer_id IS NOT NULL;
