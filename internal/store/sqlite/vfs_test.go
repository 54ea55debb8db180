package sqlite_test

import (
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// faultyVFS is the name of a layer between SQLite and the system's files: SQLite's
// own for this system, but for what a test's disk has against it. What SQLite does
// to files it does for real.
const faultyVFS = "faulty"

// A layer finds the disks by the paths of the files on them.
type layer struct {
	system uintptr // the system's own layer

	mu      sync.Mutex
	methods map[uintptr]uintptr // how this layer treats files, by how the system's does: it has several ways
	disks   map[string]*disk    // by directory
	files   map[uintptr]*file   // those that are open
}

// A file is one that SQLite has open.
type file struct {
	disk   *disk
	path   string
	system *sqlite3.Tsqlite3_io_methods
}

// faulty is the layer, registered with SQLite at its first use, for good.
var faulty = sync.OnceValue(func() *layer {
	l := &layer{methods: map[uintptr]uintptr{}, disks: map[string]*disk{}, files: map[uintptr]*file{}}
	tls := libc.NewTLS() // SQLite's for as long as the process lives
	l.system = sqlite3.Xsqlite3_vfs_find(tls, 0)
	v := *at[sqlite3.Tsqlite3_vfs](l.system)
	name, err := libc.CString(faultyVFS)
	if err != nil {
		panic(err)
	}
	v.FzName, v.FpNext = name, 0
	v.FxOpen = pointer(l.open)
	v.FxDelete = pointer(l.remove)
	place := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(v)))
	*at[sqlite3.Tsqlite3_vfs](place) = v
	if code := sqlite3.Xsqlite3_vfs_register(tls, place, 0); code != sqlite3.SQLITE_OK {
		panic(code)
	}
	return l
})

// at is what lies at an address of SQLite's own memory.
func at[T any](address uintptr) *T { return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address))) }

// pointer is a function as SQLite keeps it. It is kept from the collector by call.
func pointer[F any](f F) uintptr {
	kept := new(F)
	*kept = f
	keep = append(keep, kept)
	return *(*uintptr)(unsafe.Pointer(kept))
}

// keep are the functions that SQLite has; written while the layer is made.
var keep []any

// function is what SQLite keeps as an address.
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

func (l *layer) open(tls *libc.TLS, _, name, f uintptr, flags int32, out uintptr) int32 {
	open := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](at[sqlite3.Tsqlite3_vfs](l.system).FxOpen)
	code := open(tls, l.system, name, f, flags, out)
	opened := at[sqlite3.Tsqlite3_file](f)
	if code != sqlite3.SQLITE_OK || name == 0 {
		return code
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	path := libc.GoString(name)
	d := l.disks[directory(path)]
	if d == nil {
		return code
	}
	system := opened.FpMethods
	if l.methods[system] == 0 {
		l.methods[system] = l.over(tls, system)
	}
	l.files[f] = &file{d, path, at[sqlite3.Tsqlite3_io_methods](system)}
	opened.FpMethods = l.methods[system]
	return code
}

// over makes the table of how files are treated, from the system's.
func (l *layer) over(tls *libc.TLS, system uintptr) uintptr {
	m := *at[sqlite3.Tsqlite3_io_methods](system)
	m.FxWrite = pointer(l.write)
	m.FxTruncate = pointer(l.truncate)
	m.FxSync = pointer(l.sync)
	m.FxClose = pointer(l.close)
	place := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(m)))
	*at[sqlite3.Tsqlite3_io_methods](place) = m
	return place
}

func (l *layer) file(f uintptr) *file {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[f]
}

func (l *layer) write(tls *libc.TLS, f, from uintptr, n int32, offset int64) int32 {
	x := l.file(f)
	write := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](x.system.FxWrite)
	return x.disk.write(x.path, int64(n), offset, func() int32 { return write(tls, f, from, n, offset) })
}

func (l *layer) truncate(tls *libc.TLS, f uintptr, size int64) int32 {
	x := l.file(f)
	truncate := function[func(*libc.TLS, uintptr, int64) int32](x.system.FxTruncate)
	return x.disk.truncate(x.path, size, func() int32 { return truncate(tls, f, size) })
}

func (l *layer) sync(tls *libc.TLS, f uintptr, flags int32) int32 {
	x := l.file(f)
	sync := function[func(*libc.TLS, uintptr, int32) int32](x.system.FxSync)
	return x.disk.sync(x.path, func() int32 { return sync(tls, f, flags) })
}

func (l *layer) close(tls *libc.TLS, f uintptr) int32 {
	l.mu.Lock()
	x := l.files[f]
	delete(l.files, f)
	l.mu.Unlock()
	return function[func(*libc.TLS, uintptr) int32](x.system.FxClose)(tls, f)
}

func (l *layer) remove(tls *libc.TLS, _, name uintptr, flush int32) int32 {
	path := libc.GoString(name)
	l.mu.Lock()
	d := l.disks[directory(path)]
	l.mu.Unlock()
	if d != nil {
		d.remove(path)
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32) int32](at[sqlite3.Tsqlite3_vfs](l.system).FxDelete)(tls, l.system, name, flush)
}

// diskAt puts a disk under a directory, until the test ends.
func diskAt(t *testing.T, dir string, d *disk) {
	t.Helper()
	l := faulty()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disks[dir] = d
	t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.disks, dir)
	})
}
