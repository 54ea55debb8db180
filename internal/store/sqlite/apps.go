package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/store"
)

// AddApp implements store.Apps.
func (s *Store) AddApp(ctx context.Context, a store.App) error {
	return s.change(ctx, "add app "+a.ID.String(), func(ctx context.Context, c *sql.Conn) error {
		const app = `INSERT INTO app (id, name, created, disabled, settings, sum) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		if err := added(c.ExecContext(ctx, app, int64(a.ID), a.Name, millis(a.Created), a.Disabled, a.Settings, sumOfApp(&a))); err != nil {
			return err
		}
		for _, k := range a.Keys {
			if err := addKey(ctx, c, a.ID, k); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	})
}

// SetSettings implements store.Apps.
func (s *Store) SetSettings(ctx context.Context, id rollcall.AppID, settings []byte) error {
	return s.changeApp(ctx, "change app "+id.String(), id, func(a *store.App) { a.Settings = settings })
}

// SetAppDisabled implements store.Apps.
func (s *Store) SetAppDisabled(ctx context.Context, id rollcall.AppID, disabled bool) error {
	return s.changeApp(ctx, "disable or enable app "+id.String(), id, func(a *store.App) { a.Disabled = disabled })
}

// changeApp changes an app's own row, which is read for it: its sum is of all of it.
func (s *Store) changeApp(ctx context.Context, doing string, id rollcall.AppID, f func(*store.App)) error {
	return s.change(ctx, doing, func(ctx context.Context, c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, `SELECT `+appColumns+` FROM app WHERE id = ?`, int64(id))
		if err != nil {
			return err
		}
		found, err := scanRows(rows, s.scanApp)
		if err != nil || len(found) == 0 {
			return cmp.Or(err, store.ErrNotFound)
		}
		a := found[0]
		f(&a)
		_, err = c.ExecContext(ctx, `UPDATE app SET disabled = ?, settings = ?, sum = ? WHERE id = ?`, a.Disabled, a.Settings, sumOfApp(&a), int64(id))
		return err
	})
}

// AddKey implements store.Apps.
func (s *Store) AddKey(ctx context.Context, id rollcall.AppID, k store.Key) error {
	return s.change(ctx, fmt.Sprintf("add %s to app %s", k, id), func(ctx context.Context, c *sql.Conn) error {
		var there bool
		err := c.QueryRowContext(ctx, `SELECT true FROM app WHERE id = ?`, int64(id)).Scan(&there)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		}
		if err != nil {
			return err
		}
		return addKey(ctx, c, id, k)
	})
}

func addKey(ctx context.Context, c *sql.Conn, id rollcall.AppID, k store.Key) error {
	const key = `INSERT INTO app_key (app, id, secret, created, sum) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	return added(c.ExecContext(ctx, key, int64(id), k.ID, []byte(k.Secret), millis(k.Created), sumOfKey(id, &k)))
}

// RemoveKey implements store.Apps.
func (s *Store) RemoveKey(ctx context.Context, id rollcall.AppID, key string) error {
	return s.change(ctx, fmt.Sprintf("remove key %s of app %s", key, id), func(ctx context.Context, c *sql.Conn) error {
		return found(c.ExecContext(ctx, `DELETE FROM app_key WHERE app = ? AND id = ?`, int64(id), key))
	})
}

// Apps implements store.Apps.
func (s *Store) Apps(ctx context.Context) (apps []store.App, err error) {
	err = s.read(ctx, "read the apps", func(tx *sql.Tx) error {
		if apps, err = scanAll(ctx, tx.StmtContext(ctx, s.reads.apps), s.scanApp); err != nil {
			return err
		}
		keys, err := scanAll(ctx, tx.StmtContext(ctx, s.reads.keys), s.scanKey)
		if err != nil {
			return err
		}
		at := make(map[rollcall.AppID]*store.App, len(apps))
		for i := range apps {
			at[apps[i].ID] = &apps[i]
		}
		for _, k := range keys {
			a := at[k.app]
			if a == nil {
				return damaged("there is a key of app %s, which is not there", k.app)
			}
			a.Keys = append(a.Keys, k.Key)
		}
		return nil
	})
	return apps, err
}

// The columns of apps and keys, as they are scanned.
const (
	appColumns = `id, name, created, disabled, settings, ifnull(sum, -1)`
	keyColumns = `app, id, secret, created, ifnull(sum, -1)`
)

// An appRow is an app's own row.
type appRow struct {
	store.App

	id, created, stored int64
}

// scan reads appColumns.
func (x *appRow) scan(r row) error {
	var settings sql.RawBytes
	err := r.Scan(&x.id, &x.Name, &x.created, &x.Disabled, &settings, &x.stored)
	x.ID, x.Created = rollcall.AppID(x.id), moment(x.created)
	x.Settings = bytes.Clone(settings)
	return err
}

func (s *Store) scanApp(r *sql.Rows) (store.App, error) {
	var x appRow
	if x.scan(r) != nil {
		return x.App, damaged("an app cannot be read")
	}
	if !s.old().good(appTable, x.stored, sumOfApp(&x.App)) {
		return x.App, damaged("app %d", x.id)
	}
	return x.App, nil
}

// A keyRow is a key with its app.
type keyRow struct {
	app rollcall.AppID
	store.Key

	owner, created, stored int64
}

// scan reads keyColumns.
func (x *keyRow) scan(r row) error {
	err := r.Scan(&x.owner, &x.ID, &x.Secret, &x.created, &x.stored)
	x.app, x.Created = rollcall.AppID(x.owner), moment(x.created)
	return err
}

func (s *Store) scanKey(r *sql.Rows) (keyRow, error) {
	var x keyRow
	if x.scan(r) != nil {
		return x, damaged("a key cannot be read")
	}
	if !s.old().good(keyTable, x.stored, sumOfKey(x.app, &x.Key)) {
		return x, damaged("a key of app %d", x.owner)
	}
	return x, nil
}

// change has the writer run f, all or nothing, whatever else is in its batch.
func (s *Store) change(ctx context.Context, doing string, f func(context.Context, *sql.Conn) error) error {
	err := s.writer.submit(ctx, func(ctx context.Context, b *batch) error {
		return allOrNothing(ctx, b.conn, func() error { return f(ctx, b.conn) })
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// allOrNothing has f change all it changes, or nothing, whatever else is in the batch.
func allOrNothing(ctx context.Context, c *sql.Conn, f func() error) error {
	if _, err := c.ExecContext(ctx, `SAVEPOINT change`); err != nil {
		return err
	}
	if err := f(); err != nil {
		_, undo := c.ExecContext(ctx, `ROLLBACK TO change; RELEASE change`)
		return errors.Join(err, undo)
	}
	_, err := c.ExecContext(ctx, `RELEASE change`)
	return err
}

// added is store.ErrExists if a statement inserted nothing.
func added(r sql.Result, err error) error { return affected(r, err, store.ErrExists) }

// found is store.ErrNotFound if a statement met nothing.
func found(r sql.Result, err error) error { return affected(r, err, store.ErrNotFound) }

func affected(r sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}
