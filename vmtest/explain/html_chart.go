package explain

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// stepChart draws how many of the recorded sockets were in the map over the
// time of one spec: live ones, and stale ones, whose socket is in CLOSE.
type stepChart struct {
	Spec          string
	Shown         bool // of the typical connection's spec: shown at once
	Sockets       int
	Width, Height float64
	Live, Stale   string // paths
	X, Y          []tick
	End           stepPoint
	Peak          stepPoint // most of each
}

// tick is a mark of an axis.
type tick struct {
	At   float64 // pixels
	Text string
}

// stepCharts draws a chart for each spec that recorded sockets in the map. A
// suite that could not see them leave it has none.
func stepCharts(r Report) []stepChart {
	var out []stepChart
	for _, su := range r.Evidence.Suites {
		if len(blindTo(su)) > 0 {
			continue
		}
		for _, sp := range su.Specs {
			points, sockets := stepsOf(sp)
			if len(points) == 0 {
				continue
			}
			chart := stepChart{Spec: sp.Name, Shown: r.tells(su, sp), Sockets: sockets}
			chart.draw(points)
			out = append(out, chart)
		}
	}
	slices.SortStableFunc(out, func(a, b stepChart) int { return firstOf(a.Shown, b.Shown) })
	return out
}

// blindTo is what the charts need and the suite could not observe, with the reason.
func blindTo(su Suite) []event.Observer {
	var out []event.Observer
	for _, o := range su.Observers {
		if o.Hook == "" && (o.Name == "state" || o.Name == "psock-drop") {
			out = append(out, o)
		}
	}
	return out
}

// Pixels of a step chart.
const (
	stepWidth, stepHeight            = 900.0, 220.0
	stepLeft, stepRight              = 46.0, 120.0
	stepTop, stepBottom              = 12.0, 40.0
	stepPlotWidth, stepPlotHeight    = stepWidth - stepLeft - stepRight, stepHeight - stepTop - stepBottom
	stepTicksAcross, stepTicksUpward = 8.0, 4.0
)

func (c *stepChart) draw(points []stepPoint) {
	first, last := points[0].T, points[len(points)-1].T
	for _, p := range points {
		c.Peak.Live, c.Peak.Stale = max(c.Peak.Live, p.Live), max(c.Peak.Stale, p.Stale)
	}
	c.Width, c.Height, c.End = stepWidth, stepHeight, points[len(points)-1]
	span := max(last-first, 1e-6)
	top := float64(max(c.Peak.Live, c.Peak.Stale, 1))
	x := func(t float64) float64 { return stepLeft + (t-first)/span*stepPlotWidth }
	y := func(n int) float64 { return stepTop + (1-float64(n)/top)*stepPlotHeight }
	c.Live = stepPath(points, x, y, func(p stepPoint) int { return p.Live })
	c.Stale = stepPath(points, x, y, func(p stepPoint) int { return p.Stale })
	every := roundStep(span / stepTicksAcross)
	for n := math.Ceil(first / every); n*every <= last; n++ {
		c.X = append(c.X, tick{x(n * every), fmt.Sprintf("%.*f s", decimals(every), n*every)})
	}
	whole := max(1, roundStep(top/stepTicksUpward))
	for n := 0.0; n <= top; n += whole {
		c.Y = append(c.Y, tick{y(int(n)), fmt.Sprint(int(n))})
	}
}

func stepPath(points []stepPoint, x func(float64) float64, y func(int) float64, of func(stepPoint) int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", x(points[0].T), y(0))
	for _, p := range points {
		fmt.Fprintf(&b, "H%.1fV%.1f", x(p.T), y(of(p)))
	}
	return b.String()
}

// roundStep is the least of 1, 2, 5, 10, … (or a tenth of these, and so on) that is not below v.
func roundStep(v float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if f*base >= v {
			return f * base
		}
	}
	return 10 * base
}

// decimals that tell multiples of step apart.
func decimals(step float64) int { return max(0, int(math.Ceil(-math.Log10(step)-1e-9))) }

// BaseY is the time axis, TickY where its ticks end and TextY where their texts
// stand. LabelX, LiveY and StaleY are where the lines are named.
func (c stepChart) BaseY() float64  { return stepTop + stepPlotHeight }
func (c stepChart) TickY() float64  { return c.BaseY() + 5 }
func (c stepChart) TextY() float64  { return c.BaseY() + 20 }
func (c stepChart) LabelX() float64 { return stepLeft + stepPlotWidth + 8 }
func (c stepChart) LiveY() float64  { return stepTop + 12 }
func (c stepChart) StaleY() float64 { return stepTop + 30 }
