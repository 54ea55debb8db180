package sqlite

import (
	"bytes"
	"context"
	"database/sql"
)

// Value implements store.Values. It reads all, which are few: so one whose name was
// damaged is not taken for one that was never set.
func (s *Store) Value(ctx context.Context, name string) (value []byte, err error) {
	err = s.read(ctx, "read value "+name, func(tx *sql.Tx) error {
		rows, err := tx.StmtContext(ctx, s.reads.values).QueryContext(ctx)
		if err != nil {
			return err
		}
		_, err = scanRows(rows, func(r *sql.Rows) (_ bool, err error) {
			var x record
			held, err := x.setting(r)
			switch {
			case err != nil || !s.old().good(settingTable, x.stored, x.made): // its name may have been any
				err = damaged("a setting of the server")
			case x.text == name:
				value = bytes.Clone(held)
			}
			return false, err
		})
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
