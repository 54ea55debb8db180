package bench

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Report is what a sitting found. Its JSON is told in docs/benchmarks.md.
type Report struct {
	Bench    string         `json:"bench"`
	At       time.Time      `json:"at"`
	System   string         `json:"system"` // as linux/amd64
	CPUs     int            `json:"cpus"`   // shared by the load and all servers
	Disk     string         `json:"disk"`   // the file system of the data directories
	Server   string         `json:"server,omitempty"`
	Rounds   int            `json:"rounds"`
	Duration float64        `json:"duration_s"`
	FlushMs  *Delays        `json:"flush_ms,omitempty"` // one flush of a small append to a file beside the data
	Runs     []Run          `json:"runs"`
	Idle     []Idle         `json:"idle,omitempty"`
	Starts   []Start        `json:"starts,omitempty"`
	Restart  *Restart       `json:"restart,omitempty"`
	Sizes    []Size         `json:"sizes,omitempty"`
	Storms   []StormFigures `json:"storms,omitempty"`
	Stored   *Stored        `json:"stored,omitempty"`
	Cache    *Stored        `json:"cache,omitempty"` // of the SDK
}

// A Run is one load, put on each server in turns.
type Run struct {
	Load     string    `json:"load"`
	Clients  int       `json:"clients,omitempty"`
	Rate     int       `json:"rate,omitempty"` // asked for in a second; 0: as fast as they are answered
	Subjects []Figures `json:"subjects"`
}

// Figures are what one server showed: each the median of its rounds, ratios that
// of each round's, taken to the floor's figure of the same round.
type Figures struct {
	Subject   string   `json:"subject"`
	Floor     string   `json:"floor"` // the subject that the ratios are taken to
	PerSecond float64  `json:"per_second"`
	Ratio     float64  `json:"ratio"`
	P50Ms     float64  `json:"p50_ms"`
	P99Ms     float64  `json:"p99_ms"`
	P99Ratio  float64  `json:"p99_ratio"`
	CPUUs     *float64 `json:"server_cpu_us,omitempty"` // the server's processor time for one operation
	Bytes     *float64 `json:"bytes,omitempty"`         // of garbage for one operation
	Answered  int      `json:"answered"`
	Failed    int      `json:"failed"`
	Failure   string   `json:"failure,omitempty"`   // the first one
	Answer    *Delays  `json:"answer_ms,omitempty"` // of a message, until its sender had the answer: of all rounds
	Push      *Delays  `json:"push_ms,omitempty"`   // until the peer had it
	Late      *Delays  `json:"late_ms,omitempty"`   // at a rate: how late the load itself was
	Max       float64  `json:"max_ms,omitempty"`    // of all rounds
	Rounds    []Round  `json:"rounds"`
	Curve     []Point  `json:"curve,omitempty"` // the delays of all rounds
}

// A Round is one turn.
type Round struct {
	PerSecond float64  `json:"per_second"`
	P50Ms     float64  `json:"p50_ms"`
	P99Ms     float64  `json:"p99_ms"`
	CPUUs     *float64 `json:"server_cpu_us,omitempty"`
	Answered  int      `json:"answered"`
	Failed    int      `json:"failed"`
}

// A Point is how long so many percent took at most.
type Point struct {
	Percent float64 `json:"percent"`
	Ms      float64 `json:"ms"`
}

// Delays are those of something that was done some times.
type Delays struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	N   int     `json:"n"`
}

// Idle is the memory of a server that was just started, and then with idle sessions.
type Idle struct {
	Subject       string  `json:"subject"`
	Sessions      int     `json:"sessions"`
	SettledS      float64 `json:"settled_s"`       // how long they were left alone before
	RestBytes     int64   `json:"rest_bytes"`      // resident, with none
	RestPSSBytes  int64   `json:"rest_pss_bytes"`  // its share, where pages are shared with the bench itself
	ResidentBytes int64   `json:"resident_bytes"`  // with all
	PerSession    float64 `json:"per_session"`     // what each adds to the resident bytes
	PerSessionPSS float64 `json:"per_session_pss"` // the same of its share
}

// A Start is how long a server took from the start of its process to the first
// connection served.
type Start struct {
	Subject string    `json:"subject"`
	Ms      float64   `json:"ms"` // the median
	All     []float64 `json:"all_ms"`
}

// A Restart is how clients came back to a server that was started again.
type Restart struct {
	Clients   int     `json:"clients"`
	Killed    bool    `json:"killed"`     // or asked to end
	AllBackS  float64 `json:"all_back_s"` // from the moment when the server was told to end, or killed
	UpS       float64 `json:"up_s"`       // until it served again
	P50S      float64 `json:"p50_s"`      // until a client was back
	P99S      float64 `json:"p99_s"`
	Attempts  int     `json:"attempts"` // connections tried
	Postponed int     `json:"postponed"`
	Failed    int     `json:"failed"` // what an app would have seen
	Failure   string  `json:"failure,omitempty"`
}

// Err is the failures, if there were any: the figures tell how fast something is
// that does not always work.
func (r *Report) Err() error {
	var all []error
	for _, run := range r.Runs {
		for _, f := range run.Subjects {
			if f.Failed > 0 {
				all = append(all, fmt.Errorf("%s, %s: %d of %d failed, the first: %s", run.Load, f.Subject, f.Failed, f.Failed+f.Answered, f.Failure))
			}
			if f.Answered == 0 {
				all = append(all, fmt.Errorf("%s, %s: nothing was answered while it counted: take a longer --duration", run.Load, f.Subject))
			}
		}
	}
	if b := r.Restart; b != nil && b.Failed > 0 {
		all = append(all, fmt.Errorf("restart: %d of %d clients failed, the first: %s", b.Failed, b.Clients, b.Failure))
	}
	for _, x := range r.Storms {
		if x.Failed > 0 && x.Subject == asConfigured {
			all = append(all, fmt.Errorf("storm of %d times what it sustains: %d failures, the first: %s", x.Times, x.Failed, x.Failure))
		}
	}
	return errors.Join(all...)
}

// A record is the turns of one subject in a run.
type record struct {
	name, floor string
	turns       []*turn
}

// run sums up the records of a run, the floors among them.
func summary(load string, clients, rate int, records []*record) Run {
	run := Run{Load: load, Clients: clients, Rate: rate}
	floors := map[string]*Figures{}
	for _, r := range records {
		f := r.figures()
		if r.name == r.floor {
			floors[r.name] = &f
		}
		if floor := floors[r.floor]; floor != nil {
			f.Ratio = ratio(f.Rounds, floor.Rounds, func(r Round) float64 { return r.PerSecond })
			f.P99Ratio = ratio(f.Rounds, floor.Rounds, func(r Round) float64 { return r.P99Ms })
		}
		run.Subjects = append(run.Subjects, f)
	}
	return run
}

// figures are the subject's, without ratios.
func (r *record) figures() Figures {
	f := Figures{Subject: r.name, Floor: r.floor, Rounds: []Round{}}
	whole := newHistogram()
	var answers, pushes, late []time.Duration
	for _, t := range r.turns {
		answers, pushes, late = append(answers, t.answers...), append(pushes, t.pushes...), append(late, t.late...)
		h := newHistogram()
		for _, d := range t.delays {
			record1(h, d)
		}
		whole.Merge(h)
		round := Round{
			PerSecond: t.rate(), P50Ms: quantile(h, 50), P99Ms: quantile(h, 99), Answered: t.answered, Failed: t.failed,
		}
		if t.measured && t.answered > 0 {
			us := float64(t.cpu.Nanoseconds()) / 1e3 / float64(t.answered)
			round.CPUUs = &us
		}
		f.Answered += t.answered
		f.Failed += t.failed
		if f.Failure == "" && t.first != nil {
			f.Failure = t.first.Error()
		}
		f.Rounds = append(f.Rounds, round)
	}
	f.PerSecond = medianOf(f.Rounds, func(r Round) float64 { return r.PerSecond })
	f.P50Ms = medianOf(f.Rounds, func(r Round) float64 { return r.P50Ms })
	f.P99Ms = medianOf(f.Rounds, func(r Round) float64 { return r.P99Ms })
	if known := slices.DeleteFunc(slices.Clone(f.Rounds), func(r Round) bool { return r.CPUUs == nil }); len(known) > 0 {
		us := medianOf(known, func(r Round) float64 { return *r.CPUUs })
		f.CPUUs = &us
	}
	f.Curve, f.Max = curve(whole), quantile(whole, 100)
	f.Answer, f.Push, f.Late = someDelays(answers), someDelays(pushes), someDelays(late)
	return f
}

// ratio is the median of the ratios of rounds that were played one after the other.
func ratio(of, to []Round, figure func(Round) float64) float64 {
	var all []float64
	for i := range min(len(of), len(to)) {
		if floor := figure(to[i]); floor > 0 {
			all = append(all, figure(of[i])/floor)
		}
	}
	return median(all)
}

func medianOf(rounds []Round, figure func(Round) float64) float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = figure(r)
	}
	return median(all)
}

// median is 0 of nothing.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

// newHistogram keeps delays from a microsecond to some minutes, to three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1_000, int64(5*time.Minute), 3) }

// record1 keeps one delay; one that is out of bounds counts as the bound.
func record1(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(int64(min(max(d, time.Microsecond), 5*time.Minute))) // within its bounds
}

func quantile(h *hdrhistogram.Histogram, percent float64) float64 {
	if h.TotalCount() == 0 {
		return 0
	}
	return float64(h.ValueAtQuantile(percent)) / 1e6
}

// curve is the histogram, as far as there are values to tell.
func curve(h *hdrhistogram.Histogram) []Point {
	var all []Point
	for _, p := range []float64{1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99} {
		if float64(h.TotalCount())*(100-p) < 100 {
			break
		}
		all = append(all, Point{p, quantile(h, p)})
	}
	return all
}

// someDelays are delays, nil of none.
func someDelays(all []time.Duration) *Delays {
	if len(all) == 0 {
		return nil
	}
	return delays(all)
}

// delays sums up some.
func delays(all []time.Duration) *Delays {
	h := newHistogram()
	for _, d := range all {
		record1(h, d)
	}
	return &Delays{P50: quantile(h, 50), P99: quantile(h, 99), N: len(all)}
}
