-- What else is counted in a day of an app; 0 for months. A row in which nothing of it is
-- counted has the sum that it had before there was any of it.

-- +goose Up
ALTER TABLE usage ADD COLUMN logins INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN peak INTEGER NOT NULL DEFAULT 0; -- sessions connected at once, at most
ALTER TABLE usage ADD COLUMN peak_at INTEGER NOT NULL DEFAULT 0;
