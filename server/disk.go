package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A disk is where the store lies, of which messages leave some room free: for what else
// has to be written, so that people can log in and out where others have filled it.
type disk struct {
	measure func() (free, all int64, known bool) // bytes of the disk; known: the system says
	spare   func(context.Context) (int64, error) // bytes of the store's file that hold nothing any more
	floor   int64                                // bytes; 0: none
	log     *slog.Logger

	isLow atomic.Bool // run's to change
}

func newDisk(cfg Config, spare func(context.Context) (int64, error)) *disk {
	return &disk{
		measure: func() (free, all int64, known bool) { return freeDisk(cfg.Dir) },
		spare:   spare, floor: cfg.FreeDisk, log: cfg.Log,
	}
}

// lookEvery is how often the disk is looked at.
const lookEvery = time.Second

// low tells whether there is too little room for messages.
func (d *disk) low() bool { return d.isLow.Load() }

// run looks at the disk again and again, until ctx ends.
func (d *disk) run(ctx context.Context) error {
	if d.floor == 0 {
		return nil
	}
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		d.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// look sees how much room there is, and says when it begins or ends to be too little.
func (d *disk) look(ctx context.Context) {
	free, all, known := d.measure()
	if !known {
		return
	}
	floor, spare, was := min(d.floor, all/10), int64(0), d.low()
	if lacks(free, 0, floor, was) { // else nobody needs to know
		ctx, cancel := context.WithTimeout(ctx, lookEvery)
		defer cancel()
		spare, _ = d.spare(ctx) // 0 where it cannot be read
	}
	is := lacks(free, spare, floor, was)
	if is == was {
		return
	}
	d.isLow.Store(is)
	room := []any{"free_mib", free >> 20, "within_the_store_mib", spare >> 20, "floor_mib", floor >> 20}
	if is {
		d.log.Error("the disk has little room left: messages are refused with 70500 until it has more", room...)
		return
	}
	d.log.Warn("the disk has room for messages again", room...)
}

// lacks tells whether what is free on the disk, and spare within the store's file, is too
// little for messages. A quarter of the floor has to be free on the disk itself, for the
// store's log. Where it was too little there has to be some more than the floor: it is not
// to change with each message.
func lacks(free, spare, floor int64, was bool) bool {
	if was {
		floor += floor / 8
	}
	return free+spare < floor || free < floor/4
}

// watchRoom adds how much room there is.
func (m *metrics) watchRoom(d *disk) {
	if _, _, known := d.measure(); !known {
		return
	}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rollcall_disk_free_bytes", Help: "Free bytes of the disk that the store lies on.",
		}, func() float64 {
			free, _, _ := d.measure()
			return float64(free)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rollcall_disk_low", Help: "1 while the disk has too little room for messages, and they are refused.",
		}, func() float64 {
			if d.low() {
				return 1
			}
			return 0
		}),
	)
}
