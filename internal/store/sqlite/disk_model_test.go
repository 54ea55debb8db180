package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

// page is what the system keeps, writes and drops at a time.
const page = 4096

// A disk is one that fails when a test wants it to, below real files. The files
// are what the system shows to whoever reads; the disk keeps beside them what has
// really reached it, and so what a power cut leaves: after a flush that has failed
// the pages that it could not write count as clean, as on Linux.
type disk struct {
	mu       sync.Mutex
	full     bool                   // no file can grow
	readOnly int                    // writes that fail
	failing  func(path string) bool // asked at each flush; nil: none fails
	flushes  int                    // that failed
	really   map[string]data        // what has reached it, by the file's name
}

// data is a file on the disk, and what of the system's view of it has still to
// get there.
type data struct {
	bytes   []byte
	dirty   map[int64]bool // pages
	resized bool
}

func newDisk() *disk { return &disk{really: map[string]data{}} }

// set changes what the disk has against SQLite.
func (d *disk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func directory(path string) string { return filepath.Dir(path) }

func (d *disk) file(path string) data {
	x, known := d.really[filepath.Base(path)]
	if !known {
		x.dirty = map[int64]bool{}
	}
	return x
}

func (d *disk) write(path string, n, offset int64, really func() int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readOnly > 0 {
		d.readOnly--
		return sqlite3.SQLITE_IOERR | 3<<8 // write
	}
	if info, err := os.Stat(path); d.full && (err != nil || offset+n > info.Size()) {
		return sqlite3.SQLITE_FULL
	}
	x := d.file(path)
	for p := offset / page; p*page < offset+n; p++ {
		x.dirty[p] = true
	}
	x.resized = true
	d.really[filepath.Base(path)] = x
	return really()
}

func (d *disk) truncate(path string, size int64, really func() int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readOnly > 0 {
		d.readOnly--
		return sqlite3.SQLITE_IOERR | 6<<8 // truncate
	}
	x := d.file(path)
	for p := range x.dirty {
		if p*page >= size {
			delete(x.dirty, p)
		}
	}
	x.resized = true
	d.really[filepath.Base(path)] = x
	return really()
}

func (d *disk) sync(path string, really func() int32) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.file(path)
	if d.failing != nil && d.failing(path) {
		d.flushes++
		x.dirty, x.resized = map[int64]bool{}, false
		d.really[filepath.Base(path)] = x
		return sqlite3.SQLITE_IOERR | 4<<8 // flush
	}
	d.really[filepath.Base(path)] = x.flushed(path, func(int64) bool { return true })
	return really()
}

func (d *disk) remove(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.really, filepath.Base(path))
}

// flushed is x once those of its dirty pages have reached the disk that reach
// says.
func (x data) flushed(path string, reach func(page int64) bool) data {
	now, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	y := data{bytes: append([]byte(nil), x.bytes...), dirty: map[int64]bool{}}
	if x.resized {
		y.bytes = append(y.bytes[:min(len(y.bytes), len(now))], make([]byte, max(0, len(now)-len(y.bytes)))...)
	}
	for p := range x.dirty {
		if reach(p) && p*page < int64(min(len(now), len(y.bytes))) {
			copy(y.bytes[p*page:min((p+1)*page, int64(len(y.bytes)))], now[p*page:])
		}
	}
	return y
}

// died is the directory as a process that is started after the death of the one on
// it finds it: the files as the system shows them, on the same disk.
func (d *disk) died(t *testing.T, dir string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	after := &disk{really: d.really} // a start that fails is tried again by who starts it
	next := t.TempDir()
	for name := range d.really {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(next, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d.really = map[string]data{} // that process writes no more
	diskAt(t, next, after)
	return next
}

// cut is the directory after a power cut: what has reached the disk, with those of
// the pages on their way that reach says.
func (d *disk) cut(t *testing.T, dir string, reach func(page int64) bool) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	after, next := newDisk(), t.TempDir()
	for name, x := range d.really {
		x = x.flushed(filepath.Join(dir, name), reach)
		after.really[name] = x
		if err := os.WriteFile(filepath.Join(next, name), x.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.really = map[string]data{}
	diskAt(t, next, after)
	return next
}
