package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// heavy is a data directory whose store has so many megabytes.
func heavy(t *testing.T, megabytes int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir, "--app", "7")
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range megabytes {
		if err := s.SetValue(t.Context(), fmt.Sprint("ballast-", i), bytes.Repeat([]byte{byte(i)}, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// try runs this program to its end and returns what it printed, and whether it succeeded.
func try(t *testing.T, args ...string) (said string, ok bool) {
	t.Helper()
	cmd := exec.Command("rollcall", args...)
	cmd.Env = clean()
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// isBackup tells whether what lies at path is taken for a backup; it must be a whole one
// then.
func isBackup(t *testing.T, path string) bool {
	t.Helper()
	if _, err := os.Lstat(path); err != nil {
		return false
	}
	said, ok := try(t, "check", path)
	switch {
	case ok && strings.Contains(said, "ballast"):
		t.Errorf("what is stored was printed: %s", said)
	case !ok && !strings.Contains(said, "is no backup: it is no SQLite database"):
		t.Errorf("%s looks like a backup, and is none: %s", path, said)
	}
	return ok
}

// TestAKilledBackupLeavesNothingThatLooksLikeOne: killed (SIGKILL) are the command and the
// server, at any moment.
func TestAKilledBackupLeavesNothingThatLooksLikeOne(t *testing.T) {
	const rounds = 8
	dir := heavy(t, 40)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(8, seed))
	midway := 0
	for round := range rounds {
		server, _ := serveOn(t, dir)
		path := filepath.Join(t.TempDir(), "backup.db")
		backup := rollcallProcess(t, "backup", "--dir", dir, path)
		deadline := time.Now().Add(patience)
		for at := random.Int64N(40 << 20); ; { // as much is there
			if info, err := os.Stat(path + ".part"); err == nil && info.Size() > at {
				midway++
				break
			}
			if _, err := os.Stat(path); err == nil || time.Now().After(deadline) {
				break
			}
		}
		if round%2 == 0 {
			backup.kill()
		} else {
			server.kill()
			if status, err := backup.exits(); err != nil {
				t.Fatal(status, err)
			}
		}
		if whole, part := isBackup(t, path), isBackup(t, path+".part"); part && whole {
			t.Error("there are two backups")
		}
		server.kill()
		said, ok := try(t, "backup", "--dir", dir, "--force", path)
		if !ok || !isBackup(t, path) {
			t.Fatalf("round %d: a backup after one that was killed: %s", round, said)
		}
		if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
			t.Errorf("left are %v, %v; want the backup alone", files, err)
		}
	}
	if midway < rounds/2 {
		t.Errorf("only %d of %d were killed midway", midway, rounds)
	}
}

// TestAKilledRestoreIsRepeated: whatever it has left is the store before, or none, or the
// restored one.
func TestAKilledRestoreIsRepeated(t *testing.T) {
	const rounds = 6
	backup := filepath.Join(t.TempDir(), "backup.db")
	dir := heavy(t, 20)
	command(t, "backup", "--dir", dir, backup)
	command(t, "app", "add", "--dir", dir, "8") // which the backup does not have
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(9, seed))
	for round := range rounds {
		restore := rollcallProcess(t, "restore", "--dir", dir, "--force", backup)
		staged := filepath.Join(dir, sqlite.Staging, sqlite.File)
		deadline := time.Now().Add(patience)
		for at := random.Int64N(20 << 20); time.Now().Before(deadline); {
			if info, err := os.Stat(staged); err == nil && info.Size() > at {
				break
			}
			select {
			case <-restore.ended:
				deadline = time.Now()
			default:
			}
		}
		restore.kill()
		if said, ok := try(t, "check", "--dir", dir); !ok && !strings.Contains(said, "was not finished: repeat it") {
			t.Errorf("round %d: a killed restore has left: %s", round, said)
		}
	}
	command(t, "restore", "--dir", dir, "--force", backup)
	if _, err := os.Stat(filepath.Join(dir, sqlite.Staging)); err == nil {
		t.Error("something of a restore is left")
	}
	if apps := command(t, "app", "list", "--dir", dir); strings.Contains(apps, "\n8 ") || !strings.HasPrefix(apps, "SDKAPPID") && !strings.Contains(apps, "7 ") {
		t.Errorf("restored are the apps\n%s", apps)
	}
}

// TestAReportSaysWhatEachTableKeeps: their names alone say it to nobody.
func TestAReportSaysWhatEachTableKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	var r store.Report
	if err := json.Unmarshal([]byte(command(t, "check", "--dir", dir, "--json")), &r); err != nil || len(r.Tables) == 0 {
		t.Fatal(r, err)
	}
	for _, table := range r.Tables {
		if keeps[table.Name] == "" {
			t.Errorf("nothing is said of table %s", table.Name)
		}
	}
	if len(keeps) != len(r.Tables) {
		t.Errorf("%d tables are explained, there are %d", len(keeps), len(r.Tables))
	}
}
