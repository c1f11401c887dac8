-- Features that are switched on for a tenant: names, as a JSON array.
ALTER TABLE tenants ADD COLUMN features TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(features) AND json_type(features) = 'array');
