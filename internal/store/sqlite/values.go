package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Value implements store.Values.
func (s *Store) Value(ctx context.Context, name string) (value []byte, err error) {
	err = s.read(ctx, "read value "+name, func(tx *sql.Tx) error {
		var sum int64
		err := tx.StmtContext(ctx, s.reads.value).QueryRowContext(ctx, name).Scan(&value, &sum)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err == nil && !s.old().good(settingTable, sum, sumOfSetting(name, value)):
			value, err = nil, damaged("value %s", name)
		}
		return err
	})
	return value, err
}

// SetValue implements store.Values.
func (s *Store) SetValue(ctx context.Context, name string, value []byte) error {
	return s.change(ctx, "set value "+name, func(ctx context.Context, c *sql.Conn) error {
		return setValue(ctx, c, name, value)
	})
}

func setValue(ctx context.Context, c *sql.Conn, name string, value []byte) error {
	const put = `INSERT INTO setting (name, value, sum) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum`
	_, err := c.ExecContext(ctx, put, name, value, sumOfSetting(name, value))
	return err
}
