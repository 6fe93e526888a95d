package bisect

import "slices"

// confirm asks the first on the new side and the last on the old one again.
func (r *run) confirm() error {
	first := r.res.First[0]
	r.res.Before = r.judged(r.res.Before)
	for _, k := range append([]Kernel{first}, r.res.Before...) {
		r.Say("again: %s", k)
		s, err := r.reach(Again, k, r.res.Plan.Need)
		if err != nil {
			return err
		}
		want := Old
		if k.ID == first.ID {
			want = New
		}
		if r.res.Find.Side(s.Answer) != want {
			return Ended(Unsure, "%s came out otherwise when it was asked again: %s: %s", k, s.Verdict, s.Reason)
		}
	}
	for _, k := range r.res.Before {
		if code := r.code(k); code != "" && code == r.code(first) {
			return Ended(NoCulprit, "%s and %s are the same code: nothing that is built has changed between them, so neither is to blame", first, k)
		}
	}
	return nil
}

// judged are those of the kernels before the change that were asked: of a merge
// the history says of some that they are on the old side. If all are such, the
// first stands for them.
func (r *run) judged(before []Kernel) []Kernel {
	asked := slices.DeleteFunc(slices.Clone(before), func(k Kernel) bool { return r.code(k) == "" && r.all(k) == 0 })
	if len(asked) == 0 {
		return before[:min(1, len(before))]
	}
	return asked
}

// code is what was booted for a kernel; "" if nothing, or nobody knows.
func (r *run) code(k Kernel) string {
	for _, s := range r.res.Steps {
		if s.Kernel.ID == k.ID && s.Code != "" {
			return s.Code
		}
	}
	return ""
}
