package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

func silent(store.Progress) {}

// A bustle is accounts that log in, again and again, and keeps what was acknowledged.
type bustle struct {
	mu           sync.Mutex
	acknowledged map[rollcall.Account][]uint64
	count        int
}

// bustleOn has accounts log in until stop.
func bustleOn(t *testing.T, s *sqlite.Store) (b *bustle, stop func()) {
	t.Helper()
	b = &bustle{acknowledged: map[rollcall.Account][]uint64{}}
	var all sync.WaitGroup
	over := make(chan struct{})
	for i := range childAccounts {
		all.Go(func() {
			a := childAccount(i)
			for {
				select {
				case <-over:
					return
				default:
				}
				o, err := s.Mutate(t.Context(), a, login("device", time.Now()))
				if err != nil {
					t.Error(err)
					return
				}
				b.mu.Lock()
				b.acknowledged[a] = append(b.acknowledged[a], o.Session.Number)
				b.count++
				b.mu.Unlock()
			}
		})
	}
	return b, func() {
		close(over)
		all.Wait()
	}
}

// upTo is what was acknowledged until now, and how many those are.
func (b *bustle) upTo() (map[rollcall.Account][]uint64, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[rollcall.Account][]uint64{}
	for a, numbers := range b.acknowledged {
		all[a] = slices.Clone(numbers)
	}
	return all, b.count
}

// asStore is a directory with a backup as its database, as an operator without the command
// would make it.
func asStore(t *testing.T, backup string) string {
	t.Helper()
	dir := t.TempDir()
	b, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, map[string][]byte{sqlite.File: b})
	return dir
}

// TestABackupIsOfOneMoment: while accounts log in, it has all that was acknowledged before
// it began, and nothing by half; and they go on meanwhile.
func TestABackupIsOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	b, stop := bustleOn(t, s)
	defer stop()
	path := filepath.Join(t.TempDir(), "backup.db")
	for round := range 4 {
		for { // something must have been acknowledged, and the log be there
			if _, n := b.upTo(); n > 100*(round+1) {
				break
			}
		}
		want, before := b.upTo()
		r, err := sqlite.Backup(t.Context(), path, true, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
			return s.Copy(ctx, func(bytes int64) (io.Writer, error) {
				for { // it goes on when one more has been
					if _, now := b.upTo(); now > before {
						return begin(bytes)
					}
				}
			})
		}, silent)
		if err != nil || !r.Sound() {
			t.Fatalf("a backup: %+v, %v", r, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != r.Bytes {
			t.Errorf("the backup is %v, %v; want mode 600 and %d bytes", info, err, r.Bytes)
		}
		back := open(t, asStore(t, path), sqlite.Options{Node: "after"})
		for a := range want {
			intact(t, back, a, want[a])
		}
		closeStore(t, back)
	}
	if left := contents(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("beside the backup are left %q", slices.Sorted(maps.Keys(left)))
	}
}

// TestABackupOfAStoppedStore has what lies in the log that a killed process has left, and
// leaves all as it is.
func TestABackupOfAStoppedStore(t *testing.T) {
	dir := left(t, sqlite.Schema())
	before := contents(t, dir)
	path := filepath.Join(t.TempDir(), "backup.db")
	r, err := sqlite.Backup(t.Context(), path, false, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return sqlite.Copy(ctx, dir, begin)
	}, silent)
	if err != nil || !r.Sound() {
		t.Fatal(r, err)
	}
	unchanged(t, dir, before)
	back := open(t, asStore(t, path), sqlite.Options{})
	defer closeStore(t, back)

	if state, err := back.State(t.Context(), childAccount(1)); err != nil || state.Counter != 1 {
		t.Errorf("the backup has %+v, %v; want the login", state, err)
	}
}

func TestABackupThatCannotBeMadeLeavesNothing(t *testing.T) {
	whole, broken := full(t), full(t)
	execute(t, broken, `UPDATE session SET address = 'x'`)
	from := func(dir string) func(context.Context, func(int64) (io.Writer, error)) error {
		return func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
			return sqlite.Copy(ctx, dir, begin)
		}
	}
	cut := errors.New("cut off")
	for _, tt := range []struct {
		name  string
		over  bool
		there func(t *testing.T, path string)
		from  func(context.Context, func(int64) (io.Writer, error)) error
		want  string // of the error; "": the report is not sound
	}{
		{"a file is there", false, func(t *testing.T, path string) { put(t, filepath.Dir(path), map[string][]byte{"b.db": []byte("mine")}) }, from(whole), "it is there already"},
		{"a directory is there", true, blocked, from(whole), "is no file"},
		{"a database lies where the part would", true, func(t *testing.T, path string) {
			put(t, filepath.Dir(path), map[string][]byte{"b.db.part": []byte("SQLite format 3\x00 and more")})
		}, from(whole), "b.db.part is in the way"},
		{"a directory lies there", true, func(t *testing.T, path string) { blocked(t, path+".part") }, from(whole), "is in the way"},
		{"there is no directory", false, func(t *testing.T, path string) { _ = os.Remove(filepath.Dir(path)) }, from(whole), "there is no directory "},
		{"the store is damaged", false, nil, from(broken), ""},
		{"there is no store", false, nil, from(t.TempDir()), "no such file or directory"},
		{"what comes is cut off", false, nil, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
			w, err := begin(1 << 20)
			if err == nil {
				_, err = w.Write([]byte("SQLite format 3\x00 and no more"))
			}
			return errors.Join(err, cut)
		}, "cut off"},
		{"fewer bytes come than were said", false, nil, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
			w, err := begin(1 << 20)
			if err == nil {
				_, err = w.Write([]byte("SQLite format 3\x00 and no more"))
			}
			return err
		}, "28 bytes of a database have come, want 1048576"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "backups")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "b.db")
			if tt.there != nil {
				tt.there(t, path)
			}
			before := listed(t, dir)
			r, err := sqlite.Backup(t.Context(), path, tt.over, tt.from, silent)
			if tt.want == "" && (err != nil || r.Sound()) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %+v, %v; want %q", r, err, tt.want)
			}
			if after := listed(t, dir); !maps.Equal(after, before) {
				t.Errorf("left are %v, before there were %v", after, before)
			}
		})
	}
}

// listed are the files of a directory with their sizes.
func listed(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = info.Size()
	}
	return all
}

// TestWhatIsNotFinishedIsNoDatabase: at every moment until the last, and it is in nobody's
// way.
func TestWhatIsNotFinishedIsNoDatabase(t *testing.T) {
	dir, path := full(t), filepath.Join(t.TempDir(), "b.db")
	chunks := 0
	from := func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return sqlite.Copy(ctx, dir, func(bytes int64) (io.Writer, error) {
			w, err := begin(bytes)
			return writer(func(b []byte) (int, error) {
				n, err := w.Write(b)
				chunks++
				part, wrong := os.ReadFile(path + ".part")
				if wrong != nil || len(part) == 0 || isDatabase(part) {
					t.Errorf("after %d chunks the part is a database, or is not there: %v", chunks, wrong)
				}
				if _, err := os.Lstat(path); err == nil {
					t.Error("the backup has its name before it is finished")
				}
				return n, err
			}), err
		})
	}
	if err := os.WriteFile(path+".part", []byte("of a process that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.Backup(t.Context(), path, false, from, silent)
	if err != nil || !r.Sound() || chunks < 10 {
		t.Errorf("%+v, %v, in %d chunks", r, err, chunks)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func isDatabase(b []byte) bool { return bytes.HasPrefix(b, []byte("SQLite")) }

// TestThereIsOneLongReadingAtATime, which ends with the store, and with its caller.
func TestThereIsOneLongReadingAtATime(t *testing.T) {
	s := open(t, full(t), sqlite.Options{})
	inside, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		first := true
		ended <- s.Copy(context.Background(), func(int64) (io.Writer, error) {
			return writer(func(b []byte) (int, error) {
				if first {
					close(inside)
				}
				for first = false; ; {
					if err := s.Copy(t.Context(), nil); errors.Is(err, store.ErrClosed) {
						return len(b), nil
					}
				}
			}), nil
		})
	}()
	<-inside
	if _, err := s.Check(t.Context(), silent); !errors.Is(err, store.ErrBusy) {
		t.Errorf("a check beside a copy: %v", err)
	}
	closeStore(t, s) // and waits for it
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("the copy of a store that was closed: %v", err)
	}
	if _, err := s.Check(t.Context(), silent); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a check of a closed store: %v", err)
	}

	s = open(t, full(t), sqlite.Options{})
	defer closeStore(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Copy(ctx, func(int64) (io.Writer, error) {
		return writer(func(b []byte) (int, error) {
			cancel()
			return len(b), nil
		}), nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a copy that nobody wants any more: %v", err)
	}
}

// TestABackupSaysHowFarItIs once in a second, to who waits for a slow one.
func TestABackupSaysHowFarItIs(t *testing.T) {
	dir, path := full(t), filepath.Join(t.TempDir(), "b.db")
	synctest.Test(t, func(t *testing.T) {
		var told []store.Progress
		r, err := sqlite.Backup(context.WithoutCancel(t.Context()), path, false, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
			return sqlite.Copy(ctx, dir, func(bytes int64) (io.Writer, error) {
				w, err := begin(bytes)
				return writer(func(b []byte) (int, error) {
					time.Sleep(300 * time.Millisecond)
					return w.Write(b)
				}), err
			})
		}, func(p store.Progress) { told = append(told, p) })
		if err != nil || !r.Sound() || len(told) < 5 {
			t.Fatalf("a slow backup told %d times how far it is: %+v, %v", len(told), r, err)
		}
		for i, p := range told {
			if p.Part != "copy" || p.All != r.Bytes || p.Done <= 0 || i > 0 && p.Done <= told[i-1].Done {
				t.Errorf("told %d: %+v, of %d bytes", i, p, r.Bytes)
			}
		}
	})
}

func TestABackupWithoutRoomLeavesNothing(t *testing.T) {
	if elsewhere(t) {
		return
	}
	dir, to := full(t), t.TempDir()
	noRoom(t, dir)
	_, err := sqlite.Backup(t.Context(), filepath.Join(to, "b.db"), false, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return sqlite.Copy(ctx, dir, begin)
	}, silent)
	room(t)
	if left := listed(t, to); err == nil || len(left) != 0 {
		t.Errorf("a backup without room: %v; left are %v", err, left)
	}
}

// TestALongReadingEndsWhenTheDiskTakesNothing: the log could not begin anew before.
func TestALongReadingEndsWhenTheDiskTakesNothing(t *testing.T) {
	d := newDisk()
	s, _ := on(t, d, sqlite.Options{})
	defer closeStore(t, s)
	if _, err := in(t, s, childAccount(1), "before"); err != nil {
		t.Fatal(err)
	}
	err := s.Copy(t.Context(), func(int64) (io.Writer, error) {
		d.set(func() { d.failing = func(string) bool { return true } })
		if _, err := in(t, s, childAccount(1), "meanwhile"); err == nil {
			t.Error("a disk that fails takes a login")
		}
		return io.Discard, nil
	})
	if !errors.Is(err, store.ErrDisk) {
		t.Errorf("a copy on a disk that takes nothing any more: %v", err)
	}
	d.set(func() { d.failing = func(string) bool { return false } })
	if _, err := s.Check(t.Context(), silent); err != nil {
		t.Errorf("a check after it: %v", err)
	}
}
