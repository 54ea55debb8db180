//go:build linux || darwin

package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMessagesLeaveRoomOnTheDisk(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name             string
		floor, free, all int64
		unknown, low     bool
	}{
		{"more than the floor", 256 * mib, 300 * mib, 1 << 40, false, false},
		{"less than it", 256 * mib, 255 * mib, 1 << 40, false, true},
		{"of a small disk more than a tenth", 256 * mib, 11 * mib, 100 * mib, false, false},
		{"and less", 256 * mib, 9 * mib, 100 * mib, false, true},
		{"no floor", 0, 0, 1 << 40, false, false},
		{"a system that says nothing", 256 * mib, 0, 0, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &disk{floor: tt.floor, log: slog.New(slog.DiscardHandler), room: func() (int64, int64, bool) { return tt.free, tt.all, !tt.unknown }}
			if got := d.low(); got != tt.low {
				t.Errorf("with %d of %d MiB free it is low %t, want %t", tt.free/mib, tt.all/mib, got, tt.low)
			}
		})
	}
}

// TestALowDiskIsToldOfOnce, and looked at once a second.
func TestALowDiskIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		free, looks := int64(5), 0
		d := &disk{floor: 10, log: slog.New(slog.NewTextHandler(&out, nil)), room: func() (int64, int64, bool) {
			looks++
			return free, 1000, true
		}}
		for range 1000 {
			if !d.low() {
				t.Fatal("it is not low")
			}
			time.Sleep(10 * time.Millisecond)
		}
		free = 20
		time.Sleep(lookEvery)
		for range 2 {
			if d.low() {
				t.Error("it is low when there is room again")
			}
		}
		if text := out.String(); looks > 12 || strings.Count(text, "level=ERROR") != 1 || strings.Count(text, "level=WARN") != 1 {
			t.Errorf("looked %d times, and said %s", looks, text)
		}
	})
}

func TestTheSystemSaysHowMuchIsFree(t *testing.T) {
	free, all, known := freeDisk(t.TempDir())
	if !known || free < 0 || all < free || all == 0 {
		t.Errorf("%d of %d bytes are free, known %t", free, all, known)
	}
	if _, _, known := freeDisk(t.TempDir() + "/none"); known {
		t.Error("it is known of a directory that is not there")
	}
}
