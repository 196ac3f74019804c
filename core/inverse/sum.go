package inverse

import (
	"slices"

	"mcd/core/fault"
)

// Frozen is a potential without parameters, to be summed with others.
type Frozen struct {
	// Onsite holds the on-site energies.
	Onsite []float64
}

// Build checks the description.
func (f Frozen) Build() (Parametrization, error) {
	if len(f.Onsite) == 0 {
		return nil, fault.Invalid("onsite", "empty; give one value for each site")
	}
	if err := checkFinite("onsite", f.Onsite); err != nil {
		return nil, err
	}
	return frozen(slices.Clone(f.Onsite)), nil
}

type frozen []float64

func (f frozen) Sites() int                                { return len(f) }
func (f frozen) Parameters() int                           { return 0 }
func (f frozen) Start() []float64                          { return nil }
func (f frozen) Bounds() (lower, upper []float64)          { return nil, nil }
func (f frozen) Onsite(_, h []float64)                     { copy(h, f) }
func (f frozen) Pull(_, _ []float64, _ int, out []float64) {}
func (f frozen) Label(int) string                          { return "" }

// Sum adds the potentials of its parts; parameters are those of the first part, then of the second, and so on. Give the
// background to one part only (0 to the others).
type Sum struct {
	Parts []Builder
}

// Build builds the parts.
func (s Sum) Build() (Parametrization, error) {
	if len(s.Parts) == 0 {
		return nil, fault.Invalid("parts", "empty; give at least one")
	}
	p := &sum{}
	n := 0
	for i, b := range s.Parts {
		part, err := b.Build()
		if err != nil {
			return nil, err
		}
		if i > 0 && part.Sites() != p.parts[0].Sites() {
			return nil, fault.Invalid("parts", "part %d has %d sites, part 0 has %d; give parts of one wire", i, part.Sites(), p.parts[0].Sites())
		}
		p.parts = append(p.parts, part)
		n += part.Parameters()
	}
	if n == 0 {
		return nil, fault.Invalid("parts", "every part is frozen; give at least one with parameters")
	}
	p.bind(n)
	return p, nil
}

type sum struct {
	parts        []Parametrization
	n            int
	lower, upper []float64
}

func (s *sum) bind(n int) {
	s.n = n
	lower, upper := constant(n, negInf), constant(n, posInf)
	at, bounded := 0, false
	for _, p := range s.parts {
		lo, hi := p.Bounds()
		copy(lower[at:], lo)
		copy(upper[at:], hi)
		bounded = bounded || lo != nil || hi != nil
		at += p.Parameters()
	}
	if bounded {
		s.lower, s.upper = lower, upper
	}
}

func (s *sum) Sites() int                       { return s.parts[0].Sites() }
func (s *sum) Parameters() int                  { return s.n }
func (s *sum) Bounds() (lower, upper []float64) { return s.lower, s.upper }

func (s *sum) Start() []float64 {
	var theta []float64
	for _, p := range s.parts {
		theta = append(theta, p.Start()...)
	}
	return theta
}

func (s *sum) Label(j int) string {
	for _, p := range s.parts {
		if j < p.Parameters() {
			return p.Label(j)
		}
		j -= p.Parameters()
	}
	return ""
}

func (s *sum) Onsite(theta, h []float64) {
	clear(h)
	part := make([]float64, len(h))
	for _, p := range s.parts {
		p.Onsite(theta[:p.Parameters()], part)
		theta = theta[p.Parameters():]
		for i, v := range part {
			h[i] += v
		}
	}
}

func (s *sum) Pull(theta, jac []float64, rows int, out []float64) {
	at := 0
	for _, p := range s.parts {
		n := p.Parameters()
		part := make([]float64, rows*n)
		p.Pull(theta[at:at+n], jac, rows, part)
		for k := range rows {
			copy(out[k*s.n+at:k*s.n+at+n], part[k*n:(k+1)*n])
		}
		at += n
	}
}
