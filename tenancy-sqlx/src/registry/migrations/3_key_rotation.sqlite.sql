-- A key that another takes the place of goes on leading to its tenant until then, so that callers can change over.
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
