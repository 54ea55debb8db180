package bench

import (
	"fmt"
	"strings"
)

// writeMessages writes when whom a message concerns had heard of it.
func (run Run) writeMessages(b *strings.Builder) {
	if len(run.Subjects) == 0 || run.Subjects[0].Answer == nil {
		return
	}
	t := newTable(b)
	head := "  \tsender has its answer: p50 ms\tp99 ms\tpeer has the message: p50 ms\tp99 ms\t"
	if run.Rate > 0 {
		head += "sent late: p50 ms\tp99 ms\t"
	}
	fmt.Fprintln(t, head)
	for _, f := range run.Subjects {
		if f.Answer == nil {
			continue
		}
		fmt.Fprintf(t, "  %s\t%.2f\t%.2f\t%.2f\t%.2f\t", f.Subject, f.Answer.P50, f.Answer.P99, f.Push.P50, f.Push.P99)
		if f.Late != nil {
			fmt.Fprintf(t, "%.2f\t%.2f\t", f.Late.P50, f.Late.P99)
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // into memory
}

// writeStored writes what was made before pages or starts were measured.
func (r *Report) writeStored(b *strings.Builder) {
	write := func(what, how string, x *Stored) {
		if x != nil {
			fmt.Fprintf(b, "\n%s: %d messages in %d conversations, %.1f MB, %s in %.1f s\n", what, x.Messages, x.Conversations, float64(x.FileBytes)/1e6, how, x.FillS)
		}
	}
	write("the store", "filled", r.Stored)
	write("the cache", "read from a server", r.Cache)
}

// writeSizes writes what stores of many accounts cost.
func (r *Report) writeSizes(b *strings.Builder) {
	if len(r.Sizes) == 0 {
		return
	}
	b.WriteString("\nstores by number of accounts; a preview is measured while accounts log in, and its last column is what it does to the p99 of those logins\n")
	t := newTable(b)
	fmt.Fprintln(t, "  accounts\tlogged in\timport s\tfile MB\tready ms\tmemory MB\tpreview ms\tlogins' p99\thistory ms\texplain ms\t")
	for _, x := range r.Sizes {
		fmt.Fprintf(t, "  %d\t%d\t%.1f\t%.1f\t%.0f\t%.1f\t%.1f\t×%.2f\t%.2f\t%.2f\t\n", x.Accounts, x.LoggedIn, x.ImportS, float64(x.FileBytes)/1e6,
			x.StartMs, float64(x.ResidentBytes)/1e6, x.PreviewMs, x.LoginsBeside, x.HistoryMs.P50, x.ExplainMs.P50)
	}
	_ = t.Flush() // into memory
}

// writeStorms writes what came of storms.
func (r *Report) writeStorms(b *strings.Builder) {
	if len(r.Storms) == 0 {
		return
	}
	x := r.Storms[0]
	fmt.Fprintf(b, "\nstorms of %d clients, %d of which return; the server sustains %.0f logins a second. Ideally all are in after clients / sustained\n", x.Clients, x.Returning, x.Sustained)
	t := newTable(b)
	fmt.Fprintln(t, "  \toffered\tall in s\tideal s\tratio\tlogin p99 s\tresume p99 ms\tping p99 ms\thealthz p99 ms\tsent away\ttimes\tat the door\tat most\tfailed\t")
	for _, x := range r.Storms {
		fmt.Fprintf(t, "  %s\t%d x\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.1f\t%.1f\t%d\t%d\t%d\t%d\t%d\t\n", x.Subject, x.Times, x.AllInS, x.IdealS, x.Ratio,
			x.P99S, x.Resume.P99, x.Ping.P99, x.Health.P99, x.SentAway, x.Often, x.Door, x.Most, x.Failed)
	}
	_ = t.Flush() // into memory
}
