-- Sums of the rows that had none: the CRC-32C of all that a row holds and of where it
-- belongs. NULL: the row was written before there were any, and not since; that may be
-- in the tables that unsummed names. A program that runs for long sums those rows.

-- +goose Up
ALTER TABLE app ADD COLUMN sum INTEGER;
ALTER TABLE app_key ADD COLUMN sum INTEGER;
ALTER TABLE setting ADD COLUMN sum INTEGER;
ALTER TABLE account ADD COLUMN sum INTEGER;
ALTER TABLE session ADD COLUMN sum INTEGER;
ALTER TABLE kick ADD COLUMN sum INTEGER;
ALTER TABLE try ADD COLUMN sum INTEGER;
ALTER TABLE history ADD COLUMN sum INTEGER;
ALTER TABLE usage ADD COLUMN sum INTEGER;

CREATE TABLE unsummed (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO unsummed SELECT 'app' WHERE EXISTS (SELECT 1 FROM app);
INSERT INTO unsummed SELECT 'app_key' WHERE EXISTS (SELECT 1 FROM app_key);
INSERT INTO unsummed SELECT 'setting' WHERE EXISTS (SELECT 1 FROM setting);
INSERT INTO unsummed SELECT 'account' WHERE EXISTS (SELECT 1 FROM account);
INSERT INTO unsummed SELECT 'session' WHERE EXISTS (SELECT 1 FROM session);
INSERT INTO unsummed SELECT 'kick' WHERE EXISTS (SELECT 1 FROM kick);
INSERT INTO unsummed SELECT 'try' WHERE EXISTS (SELECT 1 FROM try);
INSERT INTO unsummed SELECT 'history' WHERE EXISTS (SELECT 1 FROM history);
INSERT INTO unsummed SELECT 'usage' WHERE EXISTS (SELECT 1 FROM usage);
