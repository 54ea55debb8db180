//go:build linux || darwin

package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMessagesLeaveRoomOnTheDisk(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name                    string
		floor, free, all, spare int64
		unknown, was, low       bool
	}{
		{"more than the floor", 256 * mib, 300 * mib, 1 << 40, 0, false, false, false},
		{"less than it", 256 * mib, 255 * mib, 1 << 40, 0, false, false, true},
		{"less, but more within the store", 256 * mib, 100 * mib, 1 << 40, 156 * mib, false, false, false},
		{"less, with what is within the store", 256 * mib, 100 * mib, 1 << 40, 155 * mib, false, false, true},
		{"hardly anything for the log", 256 * mib, 63 * mib, 1 << 40, 1 << 30, false, false, true},
		{"of a small disk more than a tenth", 256 * mib, 11 * mib, 100 * mib, 0, false, false, false},
		{"and less", 256 * mib, 9 * mib, 100 * mib, 0, false, false, true},
		{"low, and now no more than the floor", 256 * mib, 256 * mib, 1 << 40, 0, false, true, true},
		{"low, and now an eighth more", 256 * mib, 288 * mib, 1 << 40, 0, false, true, false},
		{"low, and more within the store by now", 256 * mib, 100 * mib, 1 << 40, 188 * mib, false, true, false},
		{"a system that says nothing", 256 * mib, 0, 0, 0, true, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &disk{
				floor: tt.floor, log: slog.New(slog.DiscardHandler),
				measure: func() (int64, int64, bool) { return tt.free, tt.all, !tt.unknown },
				spare:   func(context.Context) (int64, error) { return tt.spare, nil },
			}
			d.isLow.Store(tt.was)
			d.look(t.Context())
			if got := d.low(); got != tt.low {
				t.Errorf("with %d of %d MiB free and %d within the store it is low %t, want %t", tt.free/mib, tt.all/mib, tt.spare/mib, got, tt.low)
			}
		})
	}
}

// TestALowDiskIsToldOfOnce, looked at once a second, and the store only where it matters.
func TestALowDiskIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var free, looks, asks atomic.Int64
		d := &disk{
			floor: 100, log: slog.New(slog.NewTextHandler(&out, nil)),
			measure: func() (int64, int64, bool) {
				looks.Add(1)
				return free.Load(), 10_000, true
			},
			spare: func(context.Context) (int64, error) {
				asks.Add(1)
				return 0, errors.New("it does not answer")
			},
		}
		free.Store(100)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.run(ctx) }()
		time.Sleep(lookEvery / 2)
		for _, now := range []int64{100, 99, 100, 112, 100, 99, 50} { // low from 99 to the second 100, and from the second 99 on
			free.Store(now)
			time.Sleep(10 * lookEvery)
		}
		if !d.low() {
			t.Error("it is not low")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		var told []string
		for line := range strings.Lines(out.String()) {
			told = append(told, strings.Fields(line)[1])
		}
		if want := []string{"level=ERROR", "level=WARN", "level=ERROR"}; !slices.Equal(told, want) {
			t.Errorf("told %s, want %q", out.String(), want)
		}
		if n := looks.Load(); n != 71 {
			t.Errorf("looked %d times in 70 s, want once a second", n)
		}
		if n := asks.Load(); n != 40 {
			t.Errorf("asked the store %d times, want once in each second in which the disk alone has too little", n)
		}
	})
	if err := (&disk{}).run(t.Context()); err != nil {
		t.Errorf("without a floor: %v", err)
	}
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
