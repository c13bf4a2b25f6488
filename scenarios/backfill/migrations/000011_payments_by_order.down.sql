DROP INDEX payments_order_id_idx;
