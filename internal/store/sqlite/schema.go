package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

// oldest is the first SQLite whose write-ahead log is safe to reset: before it a
// checkpoint could race a writer and corrupt the database.
var oldest = [3]int{3, 51, 3}

//go:embed migrations/*.sql
var migrations embed.FS

// checkLibrary refuses a SQLite that cannot be trusted.
func checkLibrary(version string) error {
	var got [3]int
	for i, part := range strings.SplitN(version, ".", len(got)) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return fmt.Errorf("SQLite library has version %q: want three numbers", version)
		}
		got[i] = n
	}
	for i := range got {
		if got[i] > oldest[i] {
			return nil
		}
		if got[i] < oldest[i] {
			return fmt.Errorf("SQLite library is %s: want %d.%d.%d or later, an earlier one can corrupt its write-ahead log",
				version, oldest[0], oldest[1], oldest[2])
		}
	}
	return nil
}

// schema is the migrations of this program.
func schema() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // it is embedded
	}
	return files
}

// versionOf is the version of the schema in a database, 0 if there is none yet.
func versionOf(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (version int64, err error) {
	const tables = `SELECT count(*), count(*) FILTER (WHERE name = 'goose_db_version') FROM sqlite_master WHERE type = 'table'`
	var all, versions int
	if err := db.QueryRowContext(ctx, tables).Scan(&all, &versions); err != nil {
		return 0, err
	}
	switch {
	case all == 0:
		return 0, nil
	case versions == 0:
		return 0, errors.New("this is a database of another program")
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
	return version, err
}

// versionIn is the version that migrations bring a schema to.
func versionIn(files fs.FS) (want int64, err error) {
	sources, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	for _, name := range sources {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("read the migrations: %w", err)
		}
		want = max(want, v)
	}
	return want, nil
}

// newer refuses a database that a newer program has migrated: nobody knows what its
// columns mean.
func newer(have, want int64) error {
	return fmt.Errorf("schema has version %d, this program knows up to %d: run the newer program, or go back to the backup that it has left beside the database", have, want)
}

// judgeSchema reads the version of the schema in the database at path, of which
// it changes nothing, and which version this program wants. It refuses a newer one.
func judgeSchema(ctx context.Context, path string, files fs.FS) (have, want int64, err error) {
	if want, err = versionIn(files); err != nil {
		return 0, 0, err
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 { // it is to be made
		return 0, want, nil
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=ro"))
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	if have, err = versionOf(ctx, db); err != nil {
		return 0, 0, err
	}
	if have > want {
		return have, want, newer(have, want)
	}
	return have, want, nil
}

// migrate brings the schema of a database to the version that this program wants.
func migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	return migrateTo(ctx, db, files, math.MaxInt64)
}

// migrateTo brings it to a version at most.
func migrateTo(ctx context.Context, db *sql.DB, files fs.FS, version int64) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	_, err = provider.UpTo(ctx, version)
	return err
}
