// Package inverse states the inverse problem of magneto-conductance: which on-site energies make an engine's curve follow a
// target. A Parametrization maps parameters θ to on-site energies h and pulls derivatives back; a Problem joins it with an
// engine, a target, weights, a loss and regularizers, and is what package optimize minimises.
//
// On-site energies are [x][y] arrays in the caller's unit of energy (t in the paper), x slowest, with x = 0 … length−1 along
// the wire and y = 0 … width−1 across.
package inverse

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"mcd/core/fault"
)

// Parametrization maps parameters to on-site energies. It is immutable once built and safe for concurrent use.
type Parametrization interface {
	// Sites is the length of h, Parameters that of theta.
	Sites() int
	Parameters() int
	// Start returns the parameters to start from (Parameters); the slice is the caller's.
	Start() []float64
	// Bounds returns the bounds of the parameters, nil for none, ±Inf where there is none.
	Bounds() (lower, upper []float64)
	// Onsite computes h (Sites).
	Onsite(theta, h []float64)
	// Pull computes out[k][j] = Σ_i jac[k][i]·∂h[i]/∂theta[j] (rows × Parameters) from jac (rows × Sites).
	Pull(theta, jac []float64, rows int, out []float64)
	// Label names parameter j for people: "site (3, 4)", "y[0]", "gate 2".
	Label(j int) string
}

// Builder is a description that can be checked and turned into a Parametrization: Sites, Gaussians, Gates, Sum, Frozen.
type Builder interface {
	Build() (Parametrization, error)
}

// Constraints restrict the parameters of any parametrization.
type Constraints struct {
	// Start replaces the start values, nil keeps them (Parameters).
	Start []float64
	// Lower and Upper are intersected with the parametrization's own bounds: none, one value for all, or one each.
	Lower, Upper []float64
	// Frozen parameters keep their start, nil for none (Parameters).
	Frozen []bool
	// Ties: parameters with the same number ≥ 0 share one value, which starts at their mean; −1 stands alone. A group with
	// a frozen member is frozen. nil for none (Parameters).
	Ties []int
}

// Constrain returns p under constraints c. Its parameters are the free ones, every tied group once, in the order of their
// first members; Expand turns them into those of p.
func Constrain(p Parametrization, c Constraints) (Parametrization, error) {
	n := p.Parameters()
	switch {
	case c.Start != nil && len(c.Start) != n:
		return nil, fault.Invalid("start", "%d values for %d parameters; give one for each", len(c.Start), n)
	case c.Frozen != nil && len(c.Frozen) != n:
		return nil, fault.Invalid("frozen", "%d values for %d parameters; give one for each", len(c.Frozen), n)
	case c.Ties != nil && len(c.Ties) != n:
		return nil, fault.Invalid("ties", "%d values for %d parameters; give one for each, -1 for parameters that stand alone", len(c.Ties), n)
	}
	if err := checkFinite("start", c.Start); err != nil {
		return nil, err
	}
	full := slices.Clone(c.Start)
	if full == nil {
		full = p.Start()
	}
	lower, upper, err := bound("parameter", c.Lower, c.Upper, n)
	if err != nil {
		return nil, err
	}
	if lo, hi := p.Bounds(); lo != nil {
		if lower == nil {
			lower, upper = constant(n, negInf), constant(n, posInf)
		}
		for i := range lower {
			lower[i], upper[i] = max(lower[i], lo[i]), min(upper[i], hi[i])
		}
	}
	group, number, next := make([]int, n), map[int]int{}, 0
	dead := map[int]bool{}
	for i := range group {
		if c.Frozen != nil && c.Frozen[i] && c.Ties != nil && c.Ties[i] >= 0 {
			dead[c.Ties[i]] = true
		}
	}
	for i := range group {
		tie := -1
		if c.Ties != nil {
			tie = c.Ties[i]
		}
		known, seen := number[tie]
		switch {
		case c.Frozen != nil && c.Frozen[i] || tie >= 0 && dead[tie]:
			group[i] = -1
		case tie >= 0 && seen:
			group[i] = known
		default:
			group[i] = next
			if tie >= 0 {
				number[tie] = next
			}
			next++
		}
	}
	if next == 0 {
		return nil, fault.Invalid("frozen", "every parameter is frozen; leave at least one free")
	}
	return reduce(p, group, full, lower, upper)
}

// Expand returns the parameters of the parametrization that p was made from by Constrain, theta itself for any other.
func Expand(p Parametrization, theta []float64) []float64 {
	if t, ok := p.(*tied); ok {
		return t.expand(theta)
	}
	return slices.Clone(theta)
}

// reduce makes full parameter i the reduced parameter group[i], frozen at full[i] where group[i] < 0. Groups are numbered
// 0 … n−1 without gaps.
func reduce(p Parametrization, group []int, full, lower, upper []float64) (Parametrization, error) {
	n := slices.Max(group) + 1
	t := &tied{base: p, group: group, n: n, full: full, start: make([]float64, n)}
	if lower != nil {
		t.lower, t.upper = constant(n, negInf), constant(n, posInf)
	}
	count := make([]float64, n)
	for i, g := range group {
		if g < 0 {
			if lower != nil && !(lower[i] <= full[i] && full[i] <= upper[i]) {
				return nil, fault.Invalid("lower", "%s is frozen at %g, outside its bounds [%g, %g]; move the value or the bounds", p.Label(i), full[i], lower[i], upper[i])
			}
			continue
		}
		t.start[g] += full[i]
		count[g]++
		if lower != nil {
			t.lower[g], t.upper[g] = max(t.lower[g], lower[i]), min(t.upper[g], upper[i])
		}
	}
	for g := range t.start {
		t.start[g] /= count[g]
		if lower == nil {
			continue
		}
		if t.lower[g] > t.upper[g] {
			return nil, fault.Invalid("lower", "the bounds of %s and what is tied to it contradict each other: lower %g, upper %g; give lower ≤ upper", t.Label(g), t.lower[g], t.upper[g])
		}
		t.start[g] = min(max(t.start[g], t.lower[g]), t.upper[g])
	}
	return t, nil
}

type tied struct {
	base         Parametrization
	group        []int
	n            int
	start, full  []float64
	lower, upper []float64
}

func (t *tied) Sites() int                       { return t.base.Sites() }
func (t *tied) Parameters() int                  { return t.n }
func (t *tied) Start() []float64                 { return slices.Clone(t.start) }
func (t *tied) Bounds() (lower, upper []float64) { return t.lower, t.upper }
func (t *tied) Label(j int) string               { return t.base.Label(slices.Index(t.group, j)) }

func (t *tied) Onsite(theta, h []float64) { t.base.Onsite(t.expand(theta), h) }

func (t *tied) expand(theta []float64) []float64 {
	full := slices.Clone(t.full)
	for i, g := range t.group {
		if g >= 0 {
			full[i] = theta[g]
		}
	}
	return full
}

func (t *tied) Pull(theta, jac []float64, rows int, out []float64) {
	n := t.base.Parameters()
	wide := make([]float64, rows*n)
	t.base.Pull(t.expand(theta), jac, rows, wide)
	clear(out)
	for k := range rows {
		for i, g := range t.group {
			if g >= 0 {
				out[k*t.n+g] += wide[k*n+i]
			}
		}
	}
}

// multiply computes out = a·b for a (rows × inner) and b (inner × columns).
func multiply(rows, inner, columns int, a, b, out []float64) {
	if rows == 0 || columns == 0 {
		return
	}
	if inner == 0 {
		clear(out)
		return
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1,
		blas64.General{Rows: rows, Cols: inner, Stride: inner, Data: a},
		blas64.General{Rows: inner, Cols: columns, Stride: columns, Data: b},
		0, blas64.General{Rows: rows, Cols: columns, Stride: columns, Data: out})
}

func constant(n int, v float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

var negInf, posInf = math.Inf(-1), math.Inf(1)

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// checkFinite returns an Argument error for the first value of v that is not finite.
func checkFinite(argument string, v []float64) error {
	for i, x := range v {
		if !finite(x) {
			return fault.Invalid(argument, "entry %d is %g; give finite values", i, x)
		}
	}
	return nil
}

// bound checks bounds given for n values (none, one for all, or one each) and returns them for each, nil if there is none on
// either side.
func bound(argument string, lower, upper []float64, n int) (lo, hi []float64, err error) {
	if len(lower) == 0 && len(upper) == 0 {
		return nil, nil, nil
	}
	if lo, err = spread("lower", lower, n, math.Inf(-1)); err != nil {
		return nil, nil, err
	}
	if hi, err = spread("upper", upper, n, math.Inf(1)); err != nil {
		return nil, nil, err
	}
	for i := range lo {
		if !(lo[i] <= hi[i]) || math.IsInf(lo[i], 1) || math.IsInf(hi[i], -1) {
			return nil, nil, fault.Invalid("lower", "the bounds of %s %d contradict each other: lower %g, upper %g; give lower ≤ upper", argument, i, lo[i], hi[i])
		}
	}
	return lo, hi, nil
}

func spread(argument string, v []float64, n int, none float64) ([]float64, error) {
	switch len(v) {
	case 0:
		return constant(n, none), nil
	case 1:
		return constant(n, v[0]), nil
	case n:
		return slices.Clone(v), nil
	}
	return nil, fault.Invalid(argument, "%d values for %d; give one for all or one for each", len(v), n)
}
