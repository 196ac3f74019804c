package adjoint

import (
	"context"

	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/memory"
	"mcd/core/scatter"
)

// Device is the CPU engine of any device with derivatives.
//
// With S = Direct + Out·ψ and Aψ = Q, a change dH changes S by dS = Out·G·dH·ψ and T = Σ|S|² by dT = 2 Re Σ_mn S*_mn dS_mn. So
// one co-state a column of ψ is enough for everything:
//
//	Aᵀχ_n = 2 Σ_m S*_mn Outᵀ_m,   D_ij = Σ_n χ_n(i) ψ_n(j),   dT = Re Σ_ij D_ij dH_ij.
//
// Weighted sums of transmissions out of one lead have their weights in the source of χ.
type Device struct{ *scatter.Device }

var _ scatter.Engine = (*Device)(nil)

// NewDevice prepares a batch of scattering problems; arguments as for scatter.NewDevice.
func NewDevice(l lattice.Device, terminals [][]lead.Terminal, pairs []scatter.Pair, o scatter.Options) (*Device, error) {
	d, err := scatter.NewDevice(l, terminals, pairs, o)
	if err != nil {
		return nil, err
	}
	return &Device{d}, nil
}

// Value computes the transmissions g [pair][point].
func (d *Device) Value(ctx context.Context, onsite, g []float64) error {
	return d.Device.Value(ctx, onsite, g)
}

// Gradient computes g and grad[i] = Σ_k weights[k]·∂g[k]/∂onsite[i]; weights nil means all ones.
func (d *Device) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	if err := scatter.CheckLength("gradient", len(grad), d.Inputs()); err != nil {
		return err
	}
	if err := d.checkWeights(weights); err != nil {
		return err
	}
	e := d.diagonal()
	parts, err := memory.New(len(d.Groups) * len(e.rows)) // summed in a fixed order below
	if err != nil {
		return err
	}
	defer parts.Free()
	index := d.groupIndex()
	err = d.each(ctx, onsite, d.weighted(weights), e, g, func(group *scatter.DeviceGroup, _ int, at func(k, lane int) complex128) {
		part := parts.Data[index[group]*len(e.rows):][:len(e.rows)]
		for k := range part {
			part[k] = 0
			for l := range group.Unique {
				part[k] += real(at(k, l))
			}
		}
	})
	if err != nil {
		return err
	}
	clear(grad)
	for i := range d.Groups {
		for k, v := range parts.Data[i*len(e.rows):][:len(e.rows)] {
			grad[e.entry[k]] += v
		}
	}
	return nil
}

func (d *Device) checkWeights(weights []float64) error {
	if weights == nil {
		return nil
	}
	return scatter.CheckLength("weights", len(weights), d.Outputs())
}

func (d *Device) groupIndex() map[*scatter.DeviceGroup]int {
	index := map[*scatter.DeviceGroup]int{}
	for i, g := range d.Groups {
		index[g] = i
	}
	return index
}

// Jacobian computes g and jac[pair][point][orbital] = ∂g[pair][point]/∂onsite[orbital].
func (d *Device) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), d.Outputs()*d.Inputs()); err != nil {
		return err
	}
	clear(jac)
	e := d.diagonal()
	return d.each(ctx, onsite, d.single(), e, g, func(group *scatter.DeviceGroup, pair int, at func(k, lane int) complex128) {
		for l, p := range group.Points[:group.Unique] {
			row := jac[(pair*d.Points()+p)*d.Inputs():][:d.Inputs()]
			for k, i := range e.entry {
				row[i] = real(at(k, l))
			}
		}
	})
}

// CombinedJacobian computes g and jac[point][orbital] = Σ_pairs weights[pair][point]·∂g[pair][point]/∂onsite[orbital]: the
// derivatives, at every point, of any function of the transmissions there, with its partial derivatives as weights. Nil means
// all ones.
func (d *Device) CombinedJacobian(ctx context.Context, onsite, weights, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), d.Points()*d.Inputs()); err != nil {
		return err
	}
	if err := d.checkWeights(weights); err != nil {
		return err
	}
	clear(jac)
	e := d.diagonal()
	return d.each(ctx, onsite, d.weighted(weights), e, g, func(group *scatter.DeviceGroup, _ int, at func(k, lane int) complex128) {
		for l, p := range group.Points[:group.Unique] {
			row := jac[p*d.Inputs():][:d.Inputs()]
			for k, i := range e.entry {
				row[i] = real(at(k, l))
			}
		}
	})
}

// PatternJacobian computes g and D of every transmission on the pattern of H, jac[pair][point][entry]: a change dH, Hermitian
// or not, changes the transmission by Re Σ_k D_k dH_k.
func (d *Device) PatternJacobian(ctx context.Context, onsite, g []float64, jac []complex128) error {
	if err := scatter.CheckLength("jacobian", len(jac), d.Outputs()*d.Lattice.Entries()); err != nil {
		return err
	}
	return d.pattern(ctx, onsite, d.single(), g, jac)
}

// PatternGradient computes g and grad[point][entry], D of Σ_pairs weights[pair][point]·T: with it any parameter p that changes
// H by dH/dp has the derivative Re Σ_point Σ_k grad[point][k]·(dH_k/dp)[point]. Weights nil means all ones.
func (d *Device) PatternGradient(ctx context.Context, onsite, weights, g []float64, grad []complex128) error {
	if err := scatter.CheckLength("gradient", len(grad), d.Points()*d.Lattice.Entries()); err != nil {
		return err
	}
	if err := d.checkWeights(weights); err != nil {
		return err
	}
	return d.pattern(ctx, onsite, d.weighted(weights), g, grad)
}

func (d *Device) pattern(ctx context.Context, onsite []float64, curves []curve, g []float64, jac []complex128) error {
	clear(jac)
	e := d.patternEntries()
	return d.each(ctx, onsite, curves, e, g, func(group *scatter.DeviceGroup, row int, at func(k, lane int) complex128) {
		for l, p := range group.Points[:group.Unique] {
			out := jac[(row*d.Points()+p)*d.Lattice.Entries():][:d.Lattice.Entries()]
			for k, i := range e.entry {
				out[i] = at(k, l)
			}
		}
	})
}

// HoppingJacobian computes g and jac[pair][point][hopping] by the listed hoppings h = H_ij (i ≠ j), tied to H_ji = h*: the
// transmission changes by Re(jac*·dh), so that the real part is the derivative by Re h and the imaginary part by Im h.
func (d *Device) HoppingJacobian(ctx context.Context, onsite []float64, hoppings [][2]int, g []float64, jac []complex128) error {
	if err := scatter.CheckLength("jacobian", len(jac), d.Outputs()*len(hoppings)); err != nil {
		return err
	}
	e, err := d.hoppingEntries(hoppings)
	if err != nil {
		return err
	}
	clear(jac)
	return d.each(ctx, onsite, d.single(), e, g, func(group *scatter.DeviceGroup, pair int, at func(k, lane int) complex128) {
		for l, p := range group.Points[:group.Unique] {
			row := jac[(pair*d.Points()+p)*len(hoppings):][:len(hoppings)]
			for k := 0; k < len(e.rows); k += 2 { // D_ij dh + D_ji dh*
				forth, back := at(k, l), at(k+1, l)
				row[e.entry[k]] = complex(real(forth)+real(back), imag(back)-imag(forth))
			}
		}
	})
}

// curve is a weighted sum of transmissions out of one lead: what one set of co-states serves.
type curve struct {
	row     int // of the result
	from    int
	to      []int
	weights []func(point int) float64 // of every lead in to
}

// single makes one curve of every pair.
func (d *Device) single() []curve {
	var curves []curve
	for k, p := range d.Pairs {
		one := func(int) float64 { return 1 }
		curves = append(curves, curve{k, p.From, []int{p.To}, []func(int) float64{one}})
	}
	return curves
}

// weighted joins the pairs out of each lead into one curve; all of them add up to row 0.
func (d *Device) weighted(weights []float64) []curve {
	place := map[int]int{}
	var curves []curve
	for k, p := range d.Pairs {
		at, ok := place[p.From]
		if !ok {
			at = len(curves)
			place[p.From] = at
			curves = append(curves, curve{from: p.From})
		}
		weight := func(int) float64 { return 1 }
		if weights != nil {
			weight = func(point int) float64 { return weights[k*d.Points()+point] }
		}
		curves[at].to, curves[at].weights = append(curves[at].to, p.To), append(curves[at].weights, weight)
	}
	return curves
}
