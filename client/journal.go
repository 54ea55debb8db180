package client

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// Files of a data directory. Nothing in them is a UserSig.
const (
	lockFile  = "lock"
	stateFile = "state.json"
)

// Bounds of what is kept; beyond them the oldest goes.
const (
	maxRecords = 1000
	maxLogouts = 1000
)

// stateVersion counts the layouts of stateFile.
const stateVersion = 1

// A journal is what a client must know again after it was killed. What is about
// to be sent is saved first: a secret that a server has heard of, or a try
// number it has seen, is on disk.
type journal struct {
	state

	dir  string // "" keeps all in memory
	lock *os.File
	log  *slog.Logger
}

// A state is all of a journal.
type state struct {
	Version int               `json:"version"`
	Device  rollcall.DeviceID `json:"device"`
	Try     uint64            `json:"try"`                // the last try number used
	Records []*record         `json:"accounts,omitempty"` // the one used last is the last
	Logouts []*logout         `json:"logouts,omitempty"`  // oldest first
}

// A place is where an account is: the same UserID elsewhere is somebody else.
type place struct {
	Server string          `json:"server"`
	App    rollcall.AppID  `json:"app"`
	User   rollcall.UserID `json:"user"`
}

// A record is what this device knows of its last session of an account.
type record struct {
	place

	Session  uint64 `json:"session,omitempty"`   // the last one that a login was answered with
	KickSeen uint64 `json:"kick_seen,omitempty"` // the session whose end the app has been told of
	Past     string `json:"past,omitempty"`      // that the server has of conversations, as it named it last
	secret
}

// A secret is a session's: the fixed half names its attempt for good, the
// changing half is replaced at each resume. Next is the half that a resume on
// its way brings.
type secret struct {
	Fixed   []byte `json:"fixed,omitempty"`
	Present []byte `json:"present,omitempty"`
	Next    []byte `json:"next,omitempty"`
}

// A logout is a pending one: it ends the session of one attempt, and is kept
// until the server has answered it. An attempt lies here from before it is sent
// until it is answered, held back: found at the next Open, it is one that nobody
// will answer any more.
type logout struct {
	place

	Fixed []byte `json:"fixed"`

	userSig string // proves an attempt that the server does not know
	held    bool
	again   bool      // answered "not known" once
	due     time.Time // not to be sent before
	flying  int       // on how many connections it is on its way
	settled []func()  // to be told that it was answered, or could not be delivered now
}

// openJournal opens the data directory dir for this process alone. A file that
// cannot be understood makes a new device.
func openJournal(dir string, log *slog.Logger) (*journal, error) {
	j := &journal{dir: dir, log: log}
	if dir == "" {
		j.state = newState()
		return j, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, imcode.InitFailed.Errorf("make the data directory: %v", err)
	}
	err := j.acquire()
	if err == nil {
		err = j.load()
	}
	if err != nil {
		j.release()
		return nil, err
	}
	return j, nil
}

// acquire takes the directory's lock and writes down who has it.
func (j *journal) acquire() error {
	f, err := os.OpenFile(filepath.Join(j.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return imcode.InitFailed.Errorf("open the lock of the data directory: %v", err)
	}
	mine, err := tryLock(f)
	if err == nil && mine {
		j.lock = f
		return sign(f)
	}
	defer f.Close()
	if err != nil {
		return imcode.InitFailed.Errorf("lock the data directory: %v", err)
	}
	return imcode.InitFailed.Errorf("the data directory %s belongs to process %s", j.dir, holder(f))
}

// sign writes into the lock whose it is.
func sign(lock *os.File) error {
	pid := strconv.Itoa(os.Getpid())
	_, err := lock.WriteAt([]byte(pid), 0)
	if err := cmp.Or(err, lock.Truncate(int64(len(pid)))); err != nil {
		return imcode.InitFailed.Errorf("write the lock of the data directory: %v", err)
	}
	return nil
}

// holder reads who wrote himself into the lock.
func holder(f io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(f, 20)) // unreadable is as unknown as empty
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
		return strconv.Itoa(pid)
	}
	return "unknown"
}

// release gives the directory back.
func (j *journal) release() {
	if j.lock != nil {
		j.lock.Close()
	}
}

func (j *journal) load() error {
	path := filepath.Join(j.dir, stateFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		j.state = newState()
		return nil
	}
	if err != nil {
		return imcode.InitFailed.Errorf("read the client's state: %v", err)
	}
	err = json.Unmarshal(b, &j.state)
	switch {
	case err == nil && j.Version > stateVersion:
		return imcode.InitFailed.Errorf("%s was written by a newer version", path)
	case err != nil || !j.sound():
		j.log.Warn("the client's state cannot be understood: going on as a new device", "file", path)
		j.state = newState()
	}
	return nil
}

// sound tells whether what was read can be worked with.
func (j *journal) sound() bool {
	_, err := rollcall.ParseDeviceID(string(j.Device))
	return err == nil && j.Try <= wire.MaxTryNumber &&
		!slices.ContainsFunc(j.Records, func(r *record) bool { return r == nil || !r.secret.sound() }) &&
		!slices.ContainsFunc(j.Logouts, func(l *logout) bool { return l == nil || len(l.Fixed) != wire.HalfBytes })
}

// sound tells whether what is there of a secret are halves.
func (s secret) sound() bool {
	return !slices.ContainsFunc([][]byte{s.Fixed, s.Present, s.Next}, func(half []byte) bool {
		return len(half) != 0 && len(half) != wire.HalfBytes
	})
}

func newState() state {
	return state{Version: stateVersion, Device: newDevice()}
}

func newDevice() rollcall.DeviceID { return rollcall.DeviceID(hex.EncodeToString(newHalf())) }

// renew makes this a new device, whose try numbers begin anew.
func (j *journal) renew() { j.Device, j.Try = newDevice(), 0 }

// newHalf draws a half of a secret.
func newHalf() []byte {
	b := make([]byte, wire.HalfBytes)
	rand.Read(b)
	return b
}

// save makes the state durable: after a crash there is this one or, before save
// has returned, the one before.
func (j *journal) save() error {
	if j.dir == "" {
		return nil
	}
	b, err := json.Marshal(&j.state)
	if err != nil {
		return fmt.Errorf("encode the client's state: %w", err)
	}
	path := filepath.Join(j.dir, stateFile)
	if err := writeDurably(path+".new", b); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDirectory(j.dir)
}

func writeDurably(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return cmp.Or(err, f.Sync(), f.Close())
}

// record returns the record of p, made if need be.
func (j *journal) record(p place) *record {
	i := slices.IndexFunc(j.Records, func(r *record) bool { return r.place == p })
	r := &record{place: p}
	if i >= 0 {
		r = j.Records[i]
		j.Records = slices.Delete(j.Records, i, i+1)
	}
	j.Records = append(j.Records, r)
	if over := len(j.Records) - maxRecords; over > 0 {
		j.Records = slices.Delete(j.Records, 0, over)
	}
	return r
}

// add puts a logout in; the oldest goes when there are too many.
func (j *journal) add(l *logout) {
	j.Logouts = append(j.Logouts, l)
	if len(j.Logouts) > maxLogouts {
		j.log.Warn("too many logouts to be delivered: the oldest is given up", "user_id", j.Logouts[0].User)
		j.Logouts = slices.Delete(j.Logouts, 0, 1)
	}
}

// remove takes a logout out.
func (j *journal) remove(l *logout) {
	j.Logouts = slices.DeleteFunc(j.Logouts, func(other *logout) bool { return other == l })
}
