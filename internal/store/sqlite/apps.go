package sqlite

import (
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
		const app = `INSERT INTO app (id, name, created, disabled, settings) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		if err := added(c.ExecContext(ctx, app, int64(a.ID), a.Name, millis(a.Created), a.Disabled, a.Settings)); err != nil {
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
	return s.change(ctx, "change app "+id.String(), func(ctx context.Context, c *sql.Conn) error {
		return found(c.ExecContext(ctx, `UPDATE app SET settings = ? WHERE id = ?`, settings, int64(id)))
	})
}

// SetAppDisabled implements store.Apps.
func (s *Store) SetAppDisabled(ctx context.Context, id rollcall.AppID, disabled bool) error {
	return s.change(ctx, "disable or enable app "+id.String(), func(ctx context.Context, c *sql.Conn) error {
		return found(c.ExecContext(ctx, `UPDATE app SET disabled = ? WHERE id = ?`, disabled, int64(id)))
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
	const key = `INSERT INTO app_key (app, id, secret, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	return added(c.ExecContext(ctx, key, int64(id), k.ID, []byte(k.Secret), millis(k.Created)))
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
		if apps, err = scanAll(ctx, tx.StmtContext(ctx, s.reads.apps), scanApp); err != nil {
			return err
		}
		keys, err := scanAll(ctx, tx.StmtContext(ctx, s.reads.keys), scanKey)
		if err != nil {
			return err
		}
		at := make(map[rollcall.AppID]*store.App, len(apps))
		for i := range apps {
			at[apps[i].ID] = &apps[i]
		}
		for _, k := range keys {
			if a := at[k.app]; a != nil {
				a.Keys = append(a.Keys, k.Key)
			}
		}
		return nil
	})
	return apps, err
}

func scanApp(rows *sql.Rows) (a store.App, err error) {
	var id, created int64
	err = rows.Scan(&id, &a.Name, &created, &a.Disabled, &a.Settings)
	a.ID, a.Created = rollcall.AppID(id), moment(created)
	return a, err
}

// An ownedKey is a key with its app.
type ownedKey struct {
	app rollcall.AppID
	store.Key
}

func scanKey(rows *sql.Rows) (k ownedKey, err error) {
	var app, created int64
	err = rows.Scan(&app, &k.ID, &k.Secret, &created)
	k.app, k.Created = rollcall.AppID(app), moment(created)
	return k, err
}

// change has the writer run f, all or nothing, whatever else is in its batch.
func (s *Store) change(ctx context.Context, doing string, f func(context.Context, *sql.Conn) error) error {
	err := s.writer.submit(ctx, func(ctx context.Context, b *batch) error {
		if _, err := b.conn.ExecContext(ctx, `SAVEPOINT change`); err != nil {
			return err
		}
		if err := f(ctx, b.conn); err != nil {
			_, undo := b.conn.ExecContext(ctx, `ROLLBACK TO change; RELEASE change`)
			return errors.Join(err, undo)
		}
		_, err := b.conn.ExecContext(ctx, `RELEASE change`)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
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
