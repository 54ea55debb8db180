package bench

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// What a plot measures, in its own units.
const (
	plotWidth  = 900
	barHeight  = 22
	barsLeft   = 120 // of the bars
	barsWidth  = 330
	curveLeft  = 560 // of the curves
	curveWidth = 300
	runHead    = 46
	runLeast   = 190 // a run's height
)

// colours tell subjects apart, also to those who see few colours.
var colours = []string{"#999999", "#e69f00", "#0072b2", "#56b4e9", "#d55e00", "#009e73"}

// WriteSVG draws the report: for each load a bar for each server, and the curve of
// its delays.
func (r *Report) WriteSVG(w io.Writer) error {
	var b strings.Builder
	heights, height := make([]int, len(r.Runs)), 60
	for i, run := range r.Runs {
		heights[i] = max(runLeast, runHead+barHeight*len(run.Subjects)+30)
		height += heights[i]
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, height, plotWidth, height)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	text(&b, 20, 24, "start", "font-size=\"16\"", "rollcall bench "+r.Bench)
	text(&b, 20, 42, "start", `fill="#555"`, fmt.Sprintf("%s, %s, %d CPUs, data on %s; %d rounds of %gs in turns",
		r.At.Format("2006-01-02 15:04 MST"), r.System, r.CPUs, r.Disk, r.Rounds, r.Duration))
	y := 60
	for i, run := range r.Runs {
		text(&b, 20, y+20, "start", `font-weight="bold"`, run.Load)
		run.bars(&b, y+runHead)
		run.curves(&b, y+runHead, heights[i]-runHead-40)
		y += heights[i]
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// text writes a text at a place.
func text(b *strings.Builder, x, y int, anchor, more, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s" %s>`, x, y, anchor, more)
	_ = xml.EscapeText(b, []byte(s)) // into memory
	b.WriteString("</text>\n")
}

// bars draws what each server did in a second; at a rate that was asked for, its
// p99.
func (run Run) bars(b *strings.Builder, y int) {
	figure := func(f Figures) float64 { return f.PerSecond }
	label := func(f Figures) string { return fmt.Sprintf("%.0f/s, ratio %.2f", f.PerSecond, f.Ratio) }
	if run.Rate > 0 {
		figure = func(f Figures) float64 { return f.P99Ms }
		label = func(f Figures) string { return fmt.Sprintf("p50 %.2f ms, p99 %.2f ms", f.P50Ms, f.P99Ms) }
	}
	longest := 0.0
	for _, f := range run.Subjects {
		longest = max(longest, figure(f))
	}
	for i, f := range run.Subjects {
		at := y + i*barHeight
		width := 0.0
		if longest > 0 {
			width = figure(f) / longest * barsWidth
		}
		text(b, barsLeft-8, at+14, "end", "", f.Subject)
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", barsLeft, at, width, barHeight-6, colour(i))
		x, anchor, fill := barsLeft+int(width)+6, "start", "#222"
		if width > barsWidth/2 {
			x, anchor, fill = barsLeft+int(width)-6, "end", "#fff"
		}
		text(b, x, at+13, anchor, fmt.Sprintf("font-size=\"11\" fill=%q", fill), label(f))
	}
}

func colour(i int) string { return colours[i%len(colours)] }

// curves draws how long how many percent took, both logarithmic: the right half of
// the picture is the slowest hundredth.
func (run Run) curves(b *strings.Builder, y, height int) {
	least, most := math.Inf(1), 0.0
	for _, f := range run.Subjects {
		for _, p := range f.Curve {
			if p.Ms > 0 {
				least, most = min(least, p.Ms), max(most, p.Ms)
			}
		}
	}
	if most <= 0 {
		return
	}
	least, most = math.Floor(math.Log10(least)), math.Max(math.Ceil(math.Log10(most)), math.Floor(math.Log10(least))+1)
	up := func(ms float64) float64 {
		return float64(y+height) - (math.Log10(ms)-least)/(most-least)*float64(height)
	}
	along := func(percent float64) float64 { return curveLeft + -math.Log10(1-percent/100)/4*curveWidth }
	for e := least; e <= most; e++ {
		at := up(math.Pow(10, e))
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>`+"\n", curveLeft, at, curveLeft+curveWidth, at)
		text(b, curveLeft-6, int(at)+4, "end", `fill="#555" font-size="11"`, fmt.Sprintf("%g ms", math.Pow(10, e)))
	}
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99} {
		text(b, int(along(p)), y+height+16, "middle", `fill="#555" font-size="11"`, fmt.Sprintf("%g%%", p))
	}
	for i, f := range run.Subjects {
		var points []string
		for _, p := range f.Curve {
			if p.Ms > 0 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", along(p.Percent), up(p.Ms)))
			}
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour(i))
	}
}
