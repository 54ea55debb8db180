package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Value implements store.Values.
func (s *Store) Value(ctx context.Context, name string) (value []byte, err error) {
	err = s.read(ctx, "read value "+name, func(tx *sql.Tx) error {
		err := tx.StmtContext(ctx, s.reads.value).QueryRowContext(ctx, name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, err
}

// SetValue implements store.Values.
func (s *Store) SetValue(ctx context.Context, name string, value []byte) error {
	return s.change(ctx, "set value "+name, func(ctx context.Context, c *sql.Conn) error {
		_, err := c.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
}
