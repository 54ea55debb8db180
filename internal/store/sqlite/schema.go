package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
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

// migrate brings the schema to this program's version. A database that a newer
// program has migrated is refused: nobody knows what its columns mean.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if have > want {
		return fmt.Errorf("schema has version %d, this program knows up to %d: run the newer program", have, want)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema from version %d to %d: %w", have, want, err)
	}
	return nil
}
