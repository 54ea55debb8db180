package sqlite_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// on is a store on a disk of its own, with settings for its writer.
func on(t *testing.T, d *disk, o sqlite.Options, pragmas ...string) (*sqlite.Store, string) {
	t.Helper()
	dir := t.TempDir()
	diskAt(t, dir, d)
	return open(t, dir, o.On(faultyVFS, pragmas...)), dir
}

// often is pages in the log: it is copied into the database again and again.
const often = 40

// in logs the account in from one more device.
func in(t *testing.T, s *sqlite.Store, a rollcall.Account, device rollcall.DeviceID) (session uint64, err error) {
	t.Helper()
	o, err := s.Mutate(t.Context(), a, login(device, time.Now()))
	if err != nil && !errors.Is(err, store.ErrDisk) {
		t.Errorf("a login that the disk refused ended with %v, want store.ErrDisk", err)
	}
	return o.Session.Number, err
}

func TestADiskThatTakesNothingRefusesChangesAnswersQuestionsAndRecovers(t *testing.T) {
	for name, set := range map[string]func(d *disk, bad bool){
		"full": func(d *disk, bad bool) { d.full = bad },
		"read-only": func(d *disk, bad bool) {
			d.readOnly = 0
			if bad {
				d.readOnly = math.MaxInt
			}
		},
		"fails to flush": func(d *disk, bad bool) {
			d.failing = func(string) bool { return bad }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, told := newDisk(), []error{}
				s, dir := on(t, d, sqlite.Options{Disk: func(err error) { told = append(told, err) }}.Copying(often))
				a := childAccount(1)
				last, err := in(t, s, a, "before")
				if err != nil {
					t.Fatal(err)
				}
				d.set(func() { set(d, true) })
				for err == nil { // what fits without growing is taken even by a full disk
					if n, failed := in(t, s, a, "meanwhile"); failed == nil {
						last = n
					} else {
						err = failed
					}
				}
				for range 3 {
					if _, err := in(t, s, a, "meanwhile"); err == nil {
						t.Error("a login was taken at once by a disk that takes nothing")
					}
				}
				if st, err := s.State(t.Context(), a); err != nil || st.Counter != last {
					t.Errorf("meanwhile the account reads %d logins, %v; want the %d acknowledged ones", st.Counter, err, last)
				}
				if s.Disk() == nil || len(told) != 1 || !errors.Is(told[0], store.ErrDisk) {
					t.Errorf("the disk is said to be %v, told of were %v", s.Disk(), told)
				}
				time.Sleep(time.Minute)
				if s.Disk() == nil {
					t.Error("a minute later the disk, which takes nothing, is said to be good")
				}
				d.set(func() { set(d, false) })
				time.Sleep(1100 * time.Millisecond) // nobody asks; it finds out
				synctest.Wait()
				if s.Disk() != nil || told[len(told)-1] != nil {
					t.Errorf("a second after the disk is good again it is said to be %v, told of were %v", s.Disk(), told)
				}
				if n, err := in(t, s, a, "after"); err != nil || n != last+1 {
					t.Errorf("then a login makes session %d, %v; want %d", n, err, last+1)
				}
				closeStore(t, s)
				sound(t, dir)
			})
		})
	}
}

// TestADiskThatIsFullGoesOnInTheLogThatItHas: what was committed is copied out of
// the log, whose room is used again.
func TestADiskThatIsFullGoesOnInTheLogThatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s, _ := on(t, d, sqlite.Options{})
		defer closeStore(t, s)
		a := childAccount(1)
		for range 20 {
			if _, err := in(t, s, a, "phone"); err != nil {
				t.Fatal(err)
			}
		}
		d.set(func() { d.full = true })
		taken := 0
		for range 20 {
			if _, err := in(t, s, a, "phone"); err == nil {
				taken++
			} else {
				time.Sleep(2 * time.Second)
			}
		}
		if taken < 5 {
			t.Errorf("a full disk took %d of 20 logins, want those for which the log has room", taken)
		}
	})
}

// TestAWriteThatFailsMidwayTakesTheWholeBatchWithIt: SQLite gives up the transaction
// then, and what came after would be committed piece by piece.
func TestAWriteThatFailsMidwayTakesTheWholeBatchWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s, _ := on(t, d, sqlite.Options{}, "cache_size(10)")
		defer closeStore(t, s)
		leave, all := make(chan struct{}), sync.WaitGroup{}
		ask := func(do func() error) {
			all.Go(func() {
				if err := do(); !errors.Is(err, store.ErrDisk) {
					t.Errorf("a request of the batch ended with %v, want store.ErrDisk", err)
				}
			})
			synctest.Wait()
		}
		all.Go(func() {
			_, _ = s.Mutate(t.Context(), childAccount(0), func(before policy.State) policy.Outcome {
				<-leave
				d.set(func() { d.readOnly = 1 }) // it writes nothing itself: the next write is the batch's
				return policy.Outcome{State: before}
			})
		})
		synctest.Wait()
		ask(func() error { return s.SetValue(t.Context(), "large", make([]byte, 1<<20)) })
		ask(func() error {
			_, err := s.Mutate(t.Context(), childAccount(1), count)
			return err
		})
		close(leave)
		all.Wait()
		time.Sleep(2 * time.Second)
		st, err := s.State(t.Context(), childAccount(1))
		if v, failed := s.Value(t.Context(), "large"); err != nil || failed != nil || st.Exists() || st.Counter != 0 || v != nil {
			t.Errorf("of what was refused there is %+v and a value of %d bytes (%v, %v)", st, len(v), err, failed)
		}
	})
}

// TestAfterAFlushThatFailedAllIsFlushedAnew: until the database has been, nothing
// is taken, though the log could be flushed.
func TestAfterAFlushThatFailedAllIsFlushedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s, _ := on(t, d, sqlite.Options{})
		defer closeStore(t, s)
		if _, err := in(t, s, childAccount(1), "phone"); err != nil {
			t.Fatal(err)
		}
		d.set(func() { d.failing = func(string) bool { return true } })
		if _, err := in(t, s, childAccount(1), "phone"); err == nil {
			t.Fatal("a login was acknowledged that was not flushed")
		}
		d.set(func() { d.failing = func(path string) bool { return filepath.Base(path) == sqlite.File } })
		time.Sleep(time.Minute)
		if _, err := in(t, s, childAccount(1), "phone"); err == nil {
			t.Error("a login was taken beside a log of which nobody knows what has reached the disk")
		}
		d.set(func() { d.failing = nil })
		time.Sleep(2 * time.Second)
		if _, err := in(t, s, childAccount(1), "phone"); err != nil {
			t.Error(err)
		}
	})
}

// TestALogWithPagesThatNeverReachedTheDiskIsNoFoundation: the process dies after a
// flush that failed; the next one finds a whole transaction in the log, which the
// system shows and the disk does not have, and builds on it.
func TestALogWithPagesThatNeverReachedTheDiskIsNoFoundation(t *testing.T) {
	d, a := newDisk(), childAccount(1)
	s, dir := on(t, d, sqlite.Options{})
	first, err := in(t, s, a, "phone")
	if err != nil {
		t.Fatal(err)
	}
	d.set(func() { d.failing = func(string) bool { return true } })
	if _, err := in(t, s, a, "phone"); err == nil {
		t.Fatal("a login was acknowledged that was not flushed")
	}
	next := d.died(t, dir)
	closeStore(t, s)
	d = faulty().diskOf(next)
	s = open(t, next, sqlite.Options{}.On(faultyVFS))
	last, err := in(t, s, a, "phone")
	if err != nil {
		t.Fatal(err)
	}
	after := d.cut(t, next, func(int64) bool { return false })
	closeStore(t, s)
	s = open(t, after, sqlite.Options{Node: "after"}.On(faultyVFS))
	intact(t, s, a, []uint64{first, last})
	closeStore(t, s)
	sound(t, after)
}

// TestAFlushThatFailsLosesNothingAcknowledged has flushes fail at random while
// accounts log in, processes die and start again on what the system shows them,
// and the power fail. What was acknowledged is there each time, and never half of
// anything.
func TestAFlushThatFailsLosesNothingAcknowledged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	failed, cuts := 0, 0
	for history := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			f, c := flushHistory(t, rand.New(rand.NewPCG(seed, history)))
			failed, cuts = failed+f, cuts+c
		})
		if t.Failed() {
			t.Fatalf("seed %d, history %d", seed, history)
		}
	}
	t.Logf("%d flushes failed, %d power cuts", failed, cuts)
	if failed < 20 || cuts < 8 {
		t.Error("too few to prove anything")
	}
}

func flushHistory(t *testing.T, random *rand.Rand) (failed, cuts int) {
	d := newDisk()
	luck := rand.New(rand.NewPCG(random.Uint64(), 1)) // the disk's: under its lock
	some := func(int64) bool { return random.IntN(2) == 0 }
	failing := func(string) bool { return luck.IntN(6) == 0 }
	s, dir := on(t, d, sqlite.Options{}.Copying(often))
	acknowledged := map[rollcall.Account][]uint64{}
	reopen := func(next string) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Log(err)
		}
		failed += d.flushes
		dir, d = next, faulty().diskOf(next)
		s = open(t, dir, sqlite.Options{Node: "after"}.On(faultyVFS).Copying(often))
		for a, numbers := range acknowledged {
			intact(t, s, a, numbers)
		}
	}
	for range 6 {
		d.set(func() { d.failing = failing })
		doubt := false
		for range random.IntN(40) {
			a := childAccount(random.IntN(3))
			if n, err := in(t, s, a, "phone"); err == nil {
				acknowledged[a] = append(acknowledged[a], n)
			} else if doubt = random.IntN(2) == 0; doubt {
				break // what follows meets a log with something doubtful in it
			} else {
				time.Sleep(3 * time.Second)
			}
		}
		if doubt && random.IntN(4) > 0 || random.IntN(2) == 0 {
			reopen(d.died(t, dir))
		} else {
			cuts++
			reopen(d.cut(t, dir, some))
			sound(t, dir)
		}
	}
	cuts++
	reopen(d.cut(t, dir, some))
	closeStore(t, s)
	sound(t, dir)
	return failed, cuts
}

// diskOf is the disk under a directory.
func (l *layer) diskOf(dir string) *disk {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.disks[dir]
}

// TestTheLogIsCopiedAndUsedAgain: it does not grow with what is written.
func TestTheLogIsCopiedAndUsedAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{}.Copying(often))
	defer closeStore(t, s)
	most := int64(0)
	for i := range 300 {
		if _, err := in(t, s, childAccount(i), "phone"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, sqlite.File+"-wal"))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	if most < often*page || most > 3*often*page {
		t.Errorf("the log grew to %d bytes, want some more than %d", most, often*page)
	}
}

// TestARoundOfTheLogIsAsLongAsItIsCopiedInTime: shorter at once where copying it took
// long, and longer by and by.
func TestARoundOfTheLogIsAsLongAsItIsCopiedInTime(t *testing.T) {
	for _, tt := range []struct {
		round int
		took  time.Duration
		next  int
	}{
		{16_000, 0, 16_000},
		{16_000, 25 * time.Millisecond, 16_000},
		{16_000, 50 * time.Millisecond, 8_000},
		{16_000, time.Minute, 4_000},
		{4_000, time.Minute, 1_000},
		{1_000, time.Minute, 1_000},
		{1_000, time.Millisecond, 1_250},
	} {
		if got := sqlite.NextRound(tt.round, tt.took); got != tt.next {
			t.Errorf("after %d pages in %v the next round is %d pages, want %d", tt.round, tt.took, got, tt.next)
		}
	}
}
