package main

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"rollcall.example/internal/admin"
)

// endless is a text of one letter.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// However long a line of a file is, it costs no more memory than a legal one.
func TestALongLineOfAnImportIsNotKept(t *testing.T) {
	const bytes = 64 << 20
	file := io.MultiReader(strings.NewReader("alice\n"), io.LimitReader(endless{}, bytes), strings.NewReader("\nbob\r\n"+strings.Repeat(" ", 300)+"carol\n"), io.LimitReader(endless{}, bytes))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var users []string
	var wrong []int
	err := eachImported(file, func(line int, a admin.NewAccount, mistake error) error {
		if mistake != nil {
			wrong = append(wrong, line)
		} else {
			users = append(users, string(a.User))
		}
		return nil
	})
	runtime.ReadMemStats(&after)
	if err != nil || strings.Join(users, " ") != "alice bob" || len(wrong) != 3 || wrong[0] != 2 || wrong[1] != 4 || wrong[2] != 5 {
		t.Errorf("users %q, wrong lines %v, %v; want alice and bob, and lines 2, 4 and 5", users, wrong, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("it took %d MB of memory", used>>20)
	}
}
