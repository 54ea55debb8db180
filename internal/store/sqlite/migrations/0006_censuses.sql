-- What the conversations of an account come to, for who reads a list of them to know that
-- none is missing. In the sum of the row only where they have been counted: there are rows
-- from before.

-- +goose Up
ALTER TABLE talker ADD COLUMN talks INTEGER NOT NULL DEFAULT -1; -- how many; -1: not counted yet
ALTER TABLE talker ADD COLUMN changed INTEGER NOT NULL DEFAULT 0; -- their latest changes, added up
