package server

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// disk is where the store lies, of which messages leave some room free: for what else has
// to be written, so that people can log in and out where others have filled it.
type disk struct {
	room  func() (free, all int64, known bool)
	floor int64 // bytes; 0: none
	log   *slog.Logger

	mu     sync.Mutex
	looked time.Time
	isLow  bool
}

// lookEvery is for how long what was seen of a disk counts.
const lookEvery = time.Second

// low tells whether there is too little room for messages.
func (d *disk) low() bool {
	if d.floor == 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if !d.looked.IsZero() && now.Sub(d.looked) < lookEvery {
		return d.isLow
	}
	d.looked = now
	free, all, known := d.room()
	if !known {
		return d.isLow
	}
	floor := min(d.floor, all/10)
	if low := free < floor; low != d.isLow {
		d.isLow = low
		if low {
			d.log.Error("the disk has little room left: messages are refused with 70500 until it has more", "free_mib", free>>20, "floor_mib", floor>>20)
		} else {
			d.log.Warn("the disk has room for messages again", "free_mib", free>>20)
		}
	}
	return d.isLow
}

// watchRoom adds how much room there is.
func (m *metrics) watchRoom(d *disk) {
	if _, _, known := d.room(); !known {
		return
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_disk_free_bytes", Help: "Free bytes of the disk that the store lies on.",
	}, func() float64 {
		free, _, _ := d.room()
		return float64(free)
	}))
}
