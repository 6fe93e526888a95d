package event

// FiguresRecord carries figures that a spec measured and that no verdict hangs
// on. Spec; Name: what was measured; Text: a table or a drawing for people; Data:
// []Figure.
const FiguresRecord Kind = "figures"

// Figure is one of them.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"` // ns, calls, …
}
