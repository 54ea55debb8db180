package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "rollcall bench %s, %s, %s, %d CPUs for load and servers, data on %s", r.Bench, r.At.Format("2006-01-02 15:04 MST"), r.System, r.CPUs, r.Disk)
	if r.Server != "" {
		fmt.Fprintf(&b, ", server %s", r.Server)
	}
	fmt.Fprintf(&b, "\nmedians of %d rounds", r.Rounds)
	if r.Duration > 0 {
		fmt.Fprintf(&b, " of %gs", r.Duration)
	}
	b.WriteString(", in turns; ratios are to the floor's figure of the same round\n")
	for _, run := range r.Runs {
		fmt.Fprintf(&b, "\n%s\n", run.Load)
		run.writeText(&b)
		run.writeMessages(&b)
	}
	r.writeStored(&b)
	if f := r.FlushMs; f != nil {
		fmt.Fprintf(&b, "\none flush of a small append beside it: p50 %.2f ms, p99 %.2f ms (%d)\n", f.P50, f.P99, f.N)
	}
	r.writeIdle(&b)
	if len(r.Starts) > 0 {
		b.WriteString("\nfrom the process's start to the first connection served\n")
		t := newTable(&b)
		for _, s := range r.Starts {
			fmt.Fprintf(t, "  %s\t%.0f ms\t\n", s.Subject, s.Ms)
		}
		_ = t.Flush() // into memory
	}
	if x := r.Restart; x != nil {
		how := "asked to end"
		if x.Killed {
			how = "killed"
		}
		fmt.Fprintf(&b, "\nrestart: the server was %s and started again, with %d clients\n", how, x.Clients)
		fmt.Fprintf(&b, "  it served again after %.2f s; half were back after %.2f s, 99%% after %.2f s, all after %.2f s\n", x.UpS, x.P50S, x.P99S, x.AllBackS)
		fmt.Fprintf(&b, "  %d connections tried, %d times told to come later, %d failures that an app would have seen\n", x.Attempts, x.Postponed, x.Failed)
	}
	r.writeSizes(&b)
	r.writeStorms(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func newTable(b *strings.Builder) *tabwriter.Writer {
	return tabwriter.NewWriter(b, 0, 0, 3, ' ', tabwriter.AlignRight)
}

// writeText writes a run as a table.
func (run Run) writeText(b *strings.Builder) {
	t := newTable(b)
	garbage := len(run.Subjects) > 0 && run.Subjects[0].Bytes != nil
	head := "  \tper s\tratio\tp50 ms\tp99 ms\tratio\tmax ms\tserver CPU µs\tanswered\tfailed\t"
	if garbage {
		head = "  \tper s\tratio\tµs each\tgarbage, bytes\t"
	}
	fmt.Fprintln(t, head)
	for _, f := range run.Subjects {
		if garbage {
			fmt.Fprintf(t, "  %s\t%.0f\t%.2f\t%.2f\t%.0f\t\n", f.Subject, f.PerSecond, f.Ratio, *f.CPUUs, *f.Bytes)
			continue
		}
		cpu := "-"
		if f.CPUUs != nil {
			cpu = fmt.Sprintf("%.0f", *f.CPUUs)
		}
		fmt.Fprintf(t, "  %s\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%d\t%d\t\n",
			f.Subject, f.PerSecond, f.Ratio, f.P50Ms, f.P99Ms, f.P99Ratio, f.Max, cpu, f.Answered, f.Failed)
	}
	_ = t.Flush() // into memory
}

// writeIdle writes what idle sessions take.
func (r *Report) writeIdle(b *strings.Builder) {
	if len(r.Idle) == 0 {
		return
	}
	fmt.Fprintf(b, "\nmemory, with %d idle sessions left alone for %gs (resident; in brackets the share of pages that are not the bench's own)\n", r.Idle[0].Sessions, r.Idle[0].SettledS)
	t := newTable(b)
	fmt.Fprintln(t, "  \tper session, KiB\tprocess at rest, MB\t")
	for _, i := range r.Idle {
		fmt.Fprintf(t, "  %s\t%.1f (%.1f)\t%.1f (%.1f)\t\n", i.Subject, i.PerSession/1024, i.PerSessionPSS/1024, float64(i.RestBytes)/1e6, float64(i.RestPSSBytes)/1e6)
	}
	_ = t.Flush() // into memory
}
