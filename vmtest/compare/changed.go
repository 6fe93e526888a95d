package compare

import "github.com/krepro/krepro/vmtest/stats"

// How an answer changed.
type change int

const (
	same change = iota
	better
	worse
	doubtful
)

// sure is how many rounds, all good before and all bad after, need no other
// test: an answer that changes by luck comes out so in 1.6 % at most, if it is
// bad every other time.
const sure = 3

// changed compares what was answered before and after. level is the risk that
// a difference by luck is taken for one: that of the whole, shared among all
// questions (Bonferroni).
func changed(b, a tally, level float64) change {
	less, unlikely := false, false
	if b.answered() > 0 && a.answered() > 0 {
		p := fisher(stats.Counts{K: b.bad, N: b.answered()}, stats.Counts{K: a.bad, N: a.answered()})
		less, unlikely = p < risk, p < level
	}
	switch {
	case b.answered() == 0 && a.answered() == 0:
		return doubtIf(a.broken+b.broken > 0)
	case a.answered() == 0:
		return doubtful // it has no answer any more
	case b.answered() == 0:
		return doubtIf(a.bad > 0)
	case unlikely:
		return worse
	case b.bad == 0 && a.bad > 0:
		if a.good == 0 && a.bad >= sure && b.good >= sure || moreFail(b, a, level) {
			return worse
		}
		return doubtful
	case a.bad > 0 && moreFail(b, a, level):
		return worse
	case a.bad > 0:
		return doubtIf(less || a.otherwise(b))
	case a.broken+b.broken > 0:
		return doubtful
	case b.bad > 0:
		return better
	}
	return same
}

func doubtIf(yes bool) change {
	if yes {
		return doubtful
	}
	return same
}

func moreFail(b, a tally, level float64) bool {
	return b.trials > 0 && a.trials > 0 &&
		fisher(stats.Counts{K: b.failures, N: b.trials}, stats.Counts{K: a.failures, N: a.trials}) < level
}

// fisher is the chance that by luck alone so many fail after, or more.
func fisher(before, after stats.Counts) float64 {
	_, greater, _ := stats.Fisher(before, after)
	return greater
}

// otherwise tells whether it fails by a symptom that it did not have before.
func (t tally) otherwise(before tally) bool {
	for s := range t.symptoms {
		if !before.symptoms[s] {
			return true
		}
	}
	return false
}
