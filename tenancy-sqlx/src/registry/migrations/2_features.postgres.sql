-- Features that are switched on for a tenant: names, as a JSON array.
ALTER TABLE tenancy.tenants ADD COLUMN features text NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(features::jsonb) = 'array');
