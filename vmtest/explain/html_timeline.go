package explain

import (
	"fmt"
	"strings"
)

// The time line is a ladder: a column for each place, time runs downwards, and
// each mark has a line of its own, so that no two labels meet. Lengths are in
// pixels.
const (
	ladderTop    = 64.0
	ladderRow    = 22.0  // between two marks at the least
	ladderScale  = 1.5   // more for each millisecond between them
	ladderBreak  = 0.020 // seconds beyond which the line is broken
	ladderGap    = 46.0  // what a break takes
	ladderChar   = 6.6   // mean width of a character of a label
	ladderIndent = 14.0  // from a column to its labels
	ladderTooth  = 6.0   // of a break's torn edge
)

// timeline is the drawing of one connection, laid out.
type timeline struct {
	Width, Height float64
	Title, Desc   string
	Columns       []column
	Marks         []placedMark
	Bands         []band
	Breaks        []timeBreak
}

// column is a place where things happen.
type column struct {
	X        float64
	Lane     string
	Name, Of string // Of: whose it is
}

type placedMark struct {
	pageMark
	X, Y     float64
	From, To float64 // columns between which a packet runs
	Time     string  // on the axis; empty where it is that of the line above
}

// timeBreak stands for a gap that is not drawn to scale.
type timeBreak struct {
	Y    float64
	Text string
}

// timelineOf lays a connection out; nil if nothing is known of it.
func timelineOf(c Chain) *timeline {
	marks := marksOf(c.Connection, c.Entry)
	if len(marks) == 0 {
		return nil
	}
	t := &timeline{
		Title:   "Time line: " + c.Title,
		Columns: columnsOf(c),
	}
	t.place(marks, c.Connection.Began)
	t.Bands = bandsOf(t.Marks)
	t.Desc = fmt.Sprintf("%d marks in the order of time, from %s to %s after connect(2).",
		len(t.Marks), since(marks[0].T-c.Connection.Began), since(marks[len(marks)-1].T-c.Connection.Began))
	return t
}

func columnsOf(c Chain) []column {
	conn := c.Connection
	out := []column{
		{150, AtClient, "client: " + conn.Client.Role, conn.Client.Addr.String()},
		{330, AtWire, "wire", "the pod's device"},
		{510, AtServer, "server: " + conn.Server.Role, conn.Server.Addr.String()},
		{760, AtMap, "map", ""},
	}
	if dead := deadOf(conn, c.Entry); dead != nil {
		out = append(out, column{960, AtDead, "dead socket", fmt.Sprintf("cookie %d", dead.Cookie)})
	}
	return out
}

// place gives each mark its line, from the top down.
func (t *timeline) place(marks []pageMark, began float64) {
	y := ladderTop
	for i, m := range marks {
		if i > 0 {
			y += t.step(m.T-marks[i-1].T, y)
		}
		p := placedMark{pageMark: m, X: t.x(m.Lane), Y: y, Time: since(m.T - began)}
		if i > 0 && p.Time == since(marks[i-1].T-began) {
			p.Time = ""
		}
		if p.Kind == "packet" {
			p.From, p.To = t.x(AtClient)+ladderIndent/2, t.x(AtServer)-ladderIndent
			if !p.FromClient {
				p.From, p.To = p.To, p.From
			}
		}
		t.Marks = append(t.Marks, p)
		t.Width = max(t.Width, p.X+ladderIndent+p.LabelWidth()+ladderIndent)
	}
	t.Width = max(t.Width, t.Columns[len(t.Columns)-1].X+120)
	t.Height = y + ladderTop
}

// step is how far below y the next mark stands, after so many seconds; it
// draws a break where they are too many.
func (t *timeline) step(gap, y float64) float64 {
	if gap >= ladderBreak {
		t.Breaks = append(t.Breaks, timeBreak{Y: y + ladderGap/2, Text: roughly(gap) + " later"})
		return ladderGap
	}
	return ladderRow + gap*1000*ladderScale
}

func (t *timeline) x(lane string) float64 {
	for _, c := range t.Columns {
		if c.Lane == lane {
			return c.X
		}
	}
	return 0
}

// Arrow is the head of a packet's arrow, as a path.
func (m placedMark) Arrow() string {
	back := 7.0
	if m.From < m.To {
		back = -back
	}
	return fmt.Sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1fZ", m.To, m.Y, m.To+back, m.Y-4, m.To+back, m.Y+4)
}

// Middle is where a packet's label stands, on a ground of LabelWidth by 14 from LabelX, LabelY.
func (m placedMark) Middle() float64     { return (m.From + m.To) / 2 }
func (m placedMark) LabelX() float64     { return m.Middle() - m.LabelWidth()/2 }
func (m placedMark) LabelY() float64     { return m.Y - 7 }
func (m placedMark) LabelWidth() float64 { return ladderChar*float64(len([]rune(m.What))) + 4 }

// Label is where any other mark's label begins.
func (m placedMark) Label() float64 { return m.X + ladderIndent }

// Below is the base line of the texts beside the mark.
func (m placedMark) Below() float64 { return m.Y + 4 }

// Cross is the shape of a mark that is part of what went wrong.
func (m placedMark) Cross() string {
	const r = 5
	return fmt.Sprintf("M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f %.1f", m.X-r, m.Y-r, m.X+r, m.Y+r, m.X-r, m.Y+r, m.X+r, m.Y-r)
}

// Bottom is where the columns end; Foot, where they are named again.
func (t *timeline) Bottom() float64 { return t.Height - 30 }
func (t *timeline) Foot() float64   { return t.Height - 12 }

// Below is the base line of the break's text.
func (b timeBreak) Below() float64 { return b.Y + 4 }

// Torn is the outline of a break across the whole width: two torn edges.
func (b timeBreak) Torn(width float64) string {
	var s strings.Builder
	edge := func(y, step float64) {
		for i := range int(width/ladderTooth) + 1 {
			x, d := float64(i)*ladderTooth, 2*float64(i%2)
			if step < 0 {
				x = width - x
			}
			fmt.Fprintf(&s, "L%.1f %.1f", x, y+d)
		}
	}
	fmt.Fprintf(&s, "M0 %.1f", b.Y-11)
	edge(b.Y-11, 1)
	edge(b.Y+9, -1)
	return s.String() + "Z"
}

// Tip is what a mark says on request.
func (m placedMark) Tip() string {
	return strings.TrimSuffix(m.Lane+": "+m.What+"; "+m.Detail, "; ")
}
