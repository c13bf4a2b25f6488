-- SHOP-423: a customer's last visits, for support.
CREATE INDEX CONCURRENTLY events_customer_id_occurred_at_idx ON events (customer_id, occurred_at) WHERE customer_id IS NOT NULL;
