package sqlite

import (
	"database/sql"
	"fmt"
	"reflect"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// A direct runs statements on a connection by SQLite's own functions. To a login,
// which is ten small statements, database/sql and the driver cost as much as what
// SQLite does in them. All else takes the connection as database/sql has it.
//
// It belongs to the one goroutine that has the connection.
type direct struct {
	db    uintptr // SQLite's handle of the connection
	tls   *libc.TLS
	mutex uintptr // that the connection had

	room  []byte // SQLite's memory: texts and blobs, while a statement runs with them
	start uintptr
}

// directOf is for statements on conn, which it does not outlive. Close it.
func directOf(conn *sql.Conn) (*direct, error) {
	d := &direct{}
	err := conn.Raw(func(c any) error {
		driver := reflect.Indirect(reflect.ValueOf(c))
		if driver.Kind() != reflect.Struct {
			return fmt.Errorf("the driver's connection is a %T", c)
		}
		handle := driver.FieldByName("db") // it says so in no other way
		if handle.Kind() != reflect.Uintptr || handle.Uint() == 0 {
			return fmt.Errorf("the driver's connection, a %T, has no handle of SQLite's where it used to", c)
		}
		d.db = uintptr(handle.Uint())
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.tls = libc.NewTLS()
	d.lockless(true)
	if err := d.reserve(4 << 10); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// lockless has SQLite take the connection as one opened with SQLITE_OPEN_NOMUTEX, which
// the driver never does: one goroutine has it, and a tenth of the time of a login would
// go into locks that nobody else asks for.
func (d *direct) lockless(is bool) {
	c := at[sqlite3.Tsqlite3](d.db)
	if is {
		d.mutex, c.Fmutex = c.Fmutex, 0
	} else {
		c.Fmutex = d.mutex
	}
}

func (d *direct) close() {
	d.lockless(false)
	libc.Xfree(d.tls, d.start)
	d.tls.Close()
}

// release gives back what memory the connection can do without.
func (d *direct) release() { sqlite3.Xsqlite3_db_release_memory(d.tls, d.db) }

// cached is how many bytes of the database the connection has in memory.
func (d *direct) cached() int { return d.status(sqlite3.SQLITE_DBSTATUS_CACHE_USED, 0) }

// written is how many pages the connection has written since it was asked last.
func (d *direct) written() int { return d.status(sqlite3.SQLITE_DBSTATUS_CACHE_WRITE, 1) }

func (d *direct) status(of, reset int32) int {
	const out = 8 // bytes for each of two numbers
	_ = sqlite3.Xsqlite3_db_status(d.tls, d.db, of, d.start, d.start+out, reset)
	return int(*at[int32](d.start))
}

// reserve has room for so many bytes. What was there is gone.
func (d *direct) reserve(bytes int) error {
	if bytes <= len(d.room) {
		return nil
	}
	size := max(bytes, 2*len(d.room))
	libc.Xfree(d.tls, d.start)
	d.room, d.start = nil, libc.Xmalloc(d.tls, libc.Tsize_t(size))
	if d.start == 0 {
		return fmt.Errorf("no memory for %d bytes", size)
	}
	d.room = bytesAt(d.start, size)
	return nil
}

// at is what lies at an address of SQLite's own memory, which Go's collector leaves alone.
func at[T any](address uintptr) *T {
	return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address))) //nolint:gosec // SQLite gives addresses
}

// bytesAt is as many bytes of SQLite's own memory.
func bytesAt(address uintptr, n int) []byte {
	if address == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](address), n) //nolint:gosec // SQLite gives lengths
}

// A failure is what SQLite has against a statement, as the driver's own error is.
type failure struct {
	code int32
	text string
}

func (f *failure) Error() string { return f.text }

// Code is SQLite's, with what it adds in the upper bits.
func (f *failure) Code() int { return int(f.code) }

func (d *direct) failure(code int32) error {
	text, more := libc.GoString(sqlite3.Xsqlite3_errstr(d.tls, code)), libc.GoString(sqlite3.Xsqlite3_errmsg(d.tls, d.db))
	if more != text {
		text += ": " + more
	}
	return &failure{code, fmt.Sprintf("%s (%d)", text, code)}
}

// A compiled is a statement that is ready to run, again and again.
type compiled struct {
	on     *direct
	handle uintptr
}

// compile makes a statement of text. Close it before the connection.
func (d *direct) compile(text string) (*compiled, error) {
	const out = 16 // room for an address, before the text
	if err := d.reserve(out + len(text)); err != nil {
		return nil, err
	}
	copy(d.room[out:], text)
	code := sqlite3.Xsqlite3_prepare_v3(d.tls, d.db, d.start+out, int32(len(text)), sqlite3.SQLITE_PREPARE_PERSISTENT, d.start, 0)
	if code != sqlite3.SQLITE_OK {
		return nil, fmt.Errorf("prepare %q: %w", text, d.failure(code))
	}
	return &compiled{d, *at[uintptr](d.start)}, nil
}

func (c *compiled) close() { sqlite3.Xsqlite3_finalize(c.on.tls, c.handle) }

// exec runs the statement to its end.
func (c *compiled) exec(args ...any) error {
	return c.ask(func(row) error { return nil }, args...)
}

// ask runs the statement, and calls each with each row, until it fails.
func (c *compiled) ask(each func(row) error, args ...any) error {
	err := c.bind(args)
	for err == nil {
		code := sqlite3.Xsqlite3_step(c.on.tls, c.handle)
		if code == sqlite3.SQLITE_DONE {
			break
		}
		if code != sqlite3.SQLITE_ROW {
			err = c.on.failure(code)
			break
		}
		err = each(c)
	}
	sqlite3.Xsqlite3_reset(c.on.tls, c.handle) // which says again what the last step said
	return err
}

// bind gives the statement its arguments, in the order of their places. Texts and
// blobs lie in the connection's room until the next statement; a statement that does
// not run does not look at what it was given.
func (c *compiled) bind(args []any) error {
	d := c.on
	if n := int(sqlite3.Xsqlite3_bind_parameter_count(d.tls, c.handle)); n != len(args) {
		return fmt.Errorf("a statement with %d places has %d arguments", n, len(args))
	}
	total := 1 // so that also what is empty has an address
	for _, arg := range args {
		switch x := arg.(type) {
		case string:
			total += len(x)
		case []byte:
			total += len(x)
		}
	}
	if err := d.reserve(total); err != nil {
		return err
	}
	used := 0
	for i, arg := range args {
		place, here := int32(i+1), d.start+uintptr(used)
		var code int32
		switch x := arg.(type) {
		case int64:
			code = sqlite3.Xsqlite3_bind_int64(d.tls, c.handle, place, x)
		case int:
			code = sqlite3.Xsqlite3_bind_int64(d.tls, c.handle, place, int64(x))
		case bool:
			n := int64(0)
			if x {
				n = 1
			}
			code = sqlite3.Xsqlite3_bind_int64(d.tls, c.handle, place, n)
		case string:
			used += copy(d.room[used:], x)
			code = sqlite3.Xsqlite3_bind_text(d.tls, c.handle, place, here, int32(len(x)), sqlite3.SQLITE_STATIC)
		case []byte:
			used += copy(d.room[used:], x)
			code = sqlite3.Xsqlite3_bind_blob(d.tls, c.handle, place, here, int32(len(x)), sqlite3.SQLITE_STATIC)
		default:
			return fmt.Errorf("argument %d is of a type that has no place in a statement", i+1) // and not which: arguments stay on the stack
		}
		if code != sqlite3.SQLITE_OK {
			return d.failure(code)
		}
	}
	return nil
}

// A row is what a statement has found, as *sql.Rows has it.
type row interface {
	Scan(into ...any) error
}

// Scan implements row. A sql.RawBytes is SQLite's own memory, until the next row.
func (c *compiled) Scan(into ...any) error {
	for i, place := range into {
		column := int32(i)
		number := func() int64 { return sqlite3.Xsqlite3_column_int64(c.on.tls, c.handle, column) }
		switch x := place.(type) {
		case *int64:
			*x = number()
		case *int:
			*x = int(number())
		case *uint8:
			*x = uint8(number())
		case *bool:
			*x = number() != 0
		case *string:
			*x = string(c.bytes(column))
		case *sql.RawBytes:
			*x = c.bytes(column)
		default:
			return fmt.Errorf("column %d is wanted as a %T", i, place)
		}
	}
	return nil
}

// bytes are a column's text or blob, in SQLite's own memory, until the next row.
func (c *compiled) bytes(column int32) []byte {
	address := sqlite3.Xsqlite3_column_blob(c.on.tls, c.handle, column) // of a text its bytes: the database is in UTF-8
	return bytesAt(address, int(sqlite3.Xsqlite3_column_bytes(c.on.tls, c.handle, column)))
}

// lastRow is the id of the row that was inserted last.
func (d *direct) lastRow() int64 { return sqlite3.Xsqlite3_last_insert_rowid(d.tls, d.db) }

// changed is how many rows the latest insertion, change or deletion was of.
func (d *direct) changed() int64 { return int64(sqlite3.Xsqlite3_changes(d.tls, d.db)) }
