-- SHOP-411: links in mails must not give away how many orders we have. Every order gets an id that cannot be guessed.
ALTER TABLE orders ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;
