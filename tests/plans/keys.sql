-- Indexes and references, added once the rows are in.
CREATE INDEX leads_newest ON leads (tenant_id, created_at, id);
CREATE INDEX leads_by_status ON leads (tenant_id, status, created_at);
CREATE INDEX leads_by_owner ON leads (tenant_id, owner_id);
CREATE INDEX leads_by_value ON leads (tenant_id, value) WHERE status = 'open';
CREATE INDEX leads_by_lower_name ON leads (tenant_id, lower(name));
CREATE INDEX leads_data ON leads USING gin (data jsonb_path_ops);
CREATE INDEX users_by_manager ON users (tenant_id, manager_id);
CREATE INDEX contacts_of_lead ON contacts (tenant_id, lead_id);
CREATE INDEX notes_of_lead ON notes (tenant_id, lead_id, at);
ALTER TABLE users ADD FOREIGN KEY (tenant_id, manager_id) REFERENCES users (tenant_id, id);
ALTER TABLE leads ADD FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id);
ALTER TABLE leads ADD FOREIGN KEY (country) REFERENCES countries (code);
ALTER TABLE contacts ADD FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id);
ALTER TABLE notes ADD FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id);
ALTER TABLE notes ADD FOREIGN KEY (tenant_id, author_id) REFERENCES users (tenant_id, id);
