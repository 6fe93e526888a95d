package bisect

import "slices"

// Walk is a way through a history, from its old end to its new one.
type Walk interface {
	// Start begins, or begins anew.
	Start() (Place, error)
	// Tell says on which side of the change a kernel is.
	Tell(k Kernel, side Side) (Place, error)
}

// Place is where a walk has come to.
type Place struct {
	Next Kernel // the kernel to ask; without an ID the walk is over
	Left int    // kernels that may be the first on the new side
	// First is, at the end, the first kernel on the new side. Of several it is one,
	// and the others could not be asked.
	First []Kernel
	// Before are the last on the old side, where a walk knows them: of a commit,
	// its parents.
	Before []Kernel
}

// Line is a walk along a row of kernels.
type Line struct {
	Kernels []Kernel // two at least, oldest first; the first and the last are the ends

	old, new int // the last on the old side, the first on the new
	skipped  []int
}

// Start begins.
func (l *Line) Start() (Place, error) {
	l.old, l.new, l.skipped = 0, len(l.Kernels)-1, nil
	return l.place(), nil
}

// Tell moves an end inwards.
func (l *Line) Tell(k Kernel, side Side) (Place, error) {
	i := slices.IndexFunc(l.Kernels, func(o Kernel) bool { return o.ID == k.ID })
	switch side {
	case Old:
		l.old = i
	case New:
		l.new = i
	default:
		l.skipped = append(l.skipped, i)
	}
	return l.place(), nil
}

// place asks next for the kernel nearest to the middle.
func (l *Line) place() Place {
	p := Place{Left: l.new - l.old}
	middle, best := (l.old+l.new)/2, -1
	for i := l.old + 1; i < l.new; i++ {
		if !slices.Contains(l.skipped, i) && (best < 0 || distance(i, middle) < distance(best, middle)) {
			best = i
		}
	}
	if best >= 0 {
		p.Next = l.Kernels[best]
		return p
	}
	p.First, p.Before = l.Kernels[l.old+1:l.new+1], l.Kernels[l.old:l.old+1]
	return p
}

func distance(a, b int) int { return max(a-b, b-a) }
