-- The order page reads the payments of an order. (Applied in January 2025: the backup's schema_migrations says 11.)
CREATE INDEX payments_order_id_idx ON payments (order_id);
