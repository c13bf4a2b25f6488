-- Which cluster this is, one row; as text, for it has 64 bits without a sign.
SELECT system_identifier::text AS system_identifier
  FROM pg_control_system()
