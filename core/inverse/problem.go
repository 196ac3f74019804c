package inverse

import (
	"context"
	"math"
	"slices"

	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/optimize"
	"mcd/core/scatter"
)

// Setup describes an inverse problem.
type Setup struct {
	// Engine computes conductances and derivatives; the problem uses it, its owner closes it.
	Engine scatter.Engine
	// Strip, if not nil, is the wire behind the engine: it lets messages name fields and flux quanta.
	Strip *lattice.Strip
	// Target is the curve to reach, in e²/h (Outputs).
	Target []float64
	// Weights w ≥ 0 of the residuals w_k(G_k − target_k), nil for ones (Outputs); for measured data 1/σ_k.
	Weights []float64
	Loss    Loss
	// Parametrization maps parameters to the engine's on-site energies.
	Parametrization Parametrization
	Regularizers    []Regularizer
}

// Problem is an inverse problem,
//
//	L(θ) = log √Σ_k ρ(w_k(G_k(h(θ)) − target_k)) + Σ_j R_j(h(θ)),   ρ(r) = r² unless a loss says otherwise:
//
// eq. (4) of Hirasaki, Inui, Saitoh (2024) with the regularizers of eq. (6). First-order methods descend on L. For
// Levenberg–Marquardt the same L is written as the norm of residuals: with R = Σ_j R_j, L = log ‖r̃‖ for
//
//	r̃_k = e^R·sign(r_k)·√ρ(r_k),   ∂r̃_k = e^R·(√ρ)'(|r_k|)·∂r_k + r̃_k·∂R,
//
// so that all methods minimise the same function. L has no lower bound where the target is reachable: there every
// regularizer loses in the end; use Smooth to minimise a penalty at a given agreement.
//
// A Problem keeps workspaces: use it from one goroutine at a time.
type Problem struct {
	setup        Setup
	sites, n     int
	identity     bool // h is θ
	lower, upper []float64
	feasibility  *Feasibility

	h, g, jac []float64
	penalty   []float64 // ∂R/∂h
	// best are the parameters of the lowest L since bestL was last reset, bestG their curve.
	best, bestG []float64
	bestL       float64
}

var _ optimize.Problem = (*Problem)(nil)

// NewProblem checks a setup.
func NewProblem(s Setup) (*Problem, error) {
	switch {
	case s.Engine == nil:
		return nil, fault.Invalid("wire", "none given; give the wire whose conductance is asked for")
	case s.Parametrization == nil:
		return nil, fault.Invalid("parametrization", "none given; give sites, Gaussians or gates")
	}
	points := s.Engine.Outputs()
	switch {
	case len(s.Target) != points:
		return nil, fault.Invalid("target", "%d values for %d points; give one for each", len(s.Target), points)
	case s.Weights != nil && len(s.Weights) != points:
		return nil, fault.Invalid("weights", "%d values for %d points; give one for each", len(s.Weights), points)
	case s.Parametrization.Sites() != s.Engine.Inputs():
		return nil, fault.Invalid("parametrization", "it describes %d sites, the wire has %d; make it for this wire", s.Parametrization.Sites(), s.Engine.Inputs())
	case s.Parametrization.Parameters() < 1:
		return nil, fault.Invalid("parametrization", "it has no parameters; leave at least one free")
	}
	if err := checkFinite("target", s.Target); err != nil {
		return nil, err
	}
	total := 0.0
	for k, w := range s.Weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, fault.Invalid("weights", "entry %d is %g; give finite values of at least 0", k, w)
		}
		total += w
	}
	if s.Weights != nil && total == 0 {
		return nil, fault.Invalid("weights", "all are 0; leave at least one point with a weight")
	}
	if err := s.Loss.validate(); err != nil {
		return nil, err
	}
	for _, r := range s.Regularizers {
		if err := r.Validate(s.Engine.Inputs()); err != nil {
			return nil, err
		}
	}
	s.Target, s.Weights, s.Regularizers = slices.Clone(s.Target), slices.Clone(s.Weights), slices.Clone(s.Regularizers)
	p := &Problem{setup: s, sites: s.Engine.Inputs(), n: s.Parametrization.Parameters(), bestL: posInf}
	if all, ok := s.Parametrization.(*sites); ok {
		p.identity = all.filter == nil
	}
	p.lower, p.upper = s.Parametrization.Bounds()
	p.h, p.penalty = make([]float64, p.sites), make([]float64, p.sites)
	p.g = make([]float64, points)
	p.feasibility = CheckTarget(s.Engine.Ceiling(), s.Target, s.Weights, s.Strip)
	return p, nil
}

// Parameters is the number of parameters.
func (p *Problem) Parameters() int { return p.n }

// Residuals is the number of points.
func (p *Problem) Residuals() int { return len(p.setup.Target) }

// Bounds returns those of the parametrization.
func (p *Problem) Bounds() (lower, upper []float64) { return p.lower, p.upper }

// Scales returns the trust scales of the parametrization, nil if it has none: see optimize.Scaler.
func (p *Problem) Scales() []float64 {
	if s, ok := p.setup.Parametrization.(optimize.Scaler); ok {
		return s.Scales()
	}
	return nil
}

// Setup returns what the problem was made from; its slices are read only.
func (p *Problem) Setup() Setup { return p.setup }

// Feasibility tells what is known before the first step about whether the target can be reached.
func (p *Problem) Feasibility() *Feasibility { return p.feasibility }

// Onsite returns the potential of parameters theta.
func (p *Problem) Onsite(theta []float64) ([]float64, error) {
	if len(theta) != p.n {
		return nil, fault.Invalid("parameters", "%d values for %d parameters; give one for each", len(theta), p.n)
	}
	h := make([]float64, p.sites)
	p.setup.Parametrization.Onsite(theta, h)
	return h, nil
}

// Residual computes r̃ (see Problem).
func (p *Problem) Residual(ctx context.Context, theta, r []float64) error {
	p.setup.Parametrization.Onsite(theta, p.h)
	if err := p.setup.Engine.Value(ctx, p.h, p.g); err != nil {
		return err
	}
	p.residual(theta, r, nil)
	return nil
}

// Jacobian computes r̃ and its derivatives by the parameters.
func (p *Problem) Jacobian(ctx context.Context, theta, r, jac []float64) error {
	slope := make([]float64, len(r))
	bySites := jac
	if !p.identity {
		bySites = p.matrix()
	}
	if err := p.evaluate(ctx, theta, bySites); err != nil {
		return err
	}
	penalty := p.residual(theta, r, slope)
	scale := math.Exp(penalty)
	for k, s := range slope {
		row := bySites[k*p.sites : (k+1)*p.sites]
		if f := s * scale; f != 1 {
			for i := range row {
				row[i] *= f
			}
		}
		if len(p.setup.Regularizers) > 0 {
			for i, d := range p.penalty {
				row[i] += r[k] * d
			}
		}
	}
	if !p.identity {
		p.setup.Parametrization.Pull(theta, bySites, len(r), jac)
	}
	return nil
}

// Gradient returns L and computes its gradient.
func (p *Problem) Gradient(ctx context.Context, theta, grad []float64) (float64, error) {
	if err := p.evaluate(ctx, theta, p.matrix()); err != nil {
		return 0, err
	}
	r, slope := make([]float64, len(p.g)), make([]float64, len(p.g))
	penalty := p.residual(theta, r, slope)
	// With u_k = √ρ(r_k): L = ½ log Σu² + R, ∂L = Σ_k u_k u'_k ∂G_k/Σu² + ∂R. The factor e^R of r cancels.
	p.unscaled(r, slope)
	square := 0.0
	for _, u := range r {
		square += u * u
	}
	by := make([]float64, p.sites)
	copy(by, p.penalty)
	for k, u := range r {
		c := u * slope[k] / square
		for i, j := range p.jac[k*p.sites : (k+1)*p.sites] {
			by[i] += c * j
		}
	}
	p.setup.Parametrization.Pull(theta, by, 1, grad)
	return 0.5*math.Log(square) + penalty, nil
}

// matrix returns p.jac, made when it is first needed.
func (p *Problem) matrix() []float64 {
	if p.jac == nil {
		p.jac = make([]float64, len(p.g)*p.sites)
	}
	return p.jac
}

// evaluate computes h, g and, in jac, the derivatives of g by h at theta.
func (p *Problem) evaluate(ctx context.Context, theta, jac []float64) error {
	p.setup.Parametrization.Onsite(theta, p.h)
	return p.setup.Engine.Jacobian(ctx, p.h, p.g, jac)
}

// unscaled computes u_k = sign(r_k)√ρ(r_k) and, unless slope is nil, du_k/dG_k, from the curve in p.g.
func (p *Problem) unscaled(u, slope []float64) {
	for k, g := range p.g {
		w := 1.0
		if p.setup.Weights != nil {
			w = p.setup.Weights[k]
		}
		value, by := p.setup.Loss.root(w * (g - p.setup.Target[k]))
		u[k] = value
		if slope != nil {
			slope[k] = w * by
		}
	}
}

// residual computes r̃ and du/dG from the curve in p.g and the potential in p.h, ∂R into p.penalty, and returns R; it
// remembers the curve if L is the lowest so far.
func (p *Problem) residual(theta, r, slope []float64) (penalty float64) {
	p.unscaled(r, slope)
	clear(p.penalty)
	for _, reg := range p.setup.Regularizers {
		penalty += reg.Add(p.h, p.penalty)
	}
	square := 0.0
	for _, u := range r {
		square += u * u
	}
	if l := 0.5*math.Log(square) + penalty; l < p.bestL {
		p.bestL = l
		p.best = append(p.best[:0], theta...)
		p.bestG = append(p.bestG[:0], p.g...)
	}
	if scale := math.Exp(penalty); scale != 1 {
		for k := range r {
			r[k] *= scale
		}
	}
	return penalty
}
