package scatter

import (
	"context"
	"math"
	"math/cmplx"
	"slices"

	"mcd/core/fault"
	"mcd/core/lead"
)

// SMatrix is the scattering matrix of one point between flux-normalised modes: Data[out][in], 2·Modes × 2·Modes, the left
// lead's modes first, in the order of lead.Lead. Amplitudes refer to the mode vectors on the first (left) and last (right)
// slice in the gauge of package lead; there S(−φ) is the transpose of S(φ) up to the signs of the vectors.
type SMatrix struct {
	Modes int
	Data  []complex128
}

// Block returns the amplitudes from lead `from` to lead `to` (0 left, 1 right), [out][in] (Modes × Modes).
func (m *SMatrix) Block(to, from int) []complex128 {
	n := m.Modes
	block := make([]complex128, 0, n*n)
	for i := range n {
		at := (to*n+i)*2*n + from*n
		block = append(block, m.Data[at:at+n]...)
	}
	return block
}

// TransmissionEigenvalues returns the eigenvalues of t†t for transmission from left to right, largest first (Modes). They are
// squared singular values found by one-sided Jacobi rotations, so that small ones keep their relative accuracy.
func (m *SMatrix) TransmissionEigenvalues() []float64 {
	n := m.Modes
	t := m.Block(1, 0)
	for range 60 { // sweeps; about eight are needed
		rotated := false
		for p := range n {
			for q := p + 1; q < n; q++ {
				// Make columns p and q orthogonal.
				var pp, qq float64
				var pq complex128
				for i := range n {
					a, b := t[i*n+p], t[i*n+q]
					pp += real(a)*real(a) + imag(a)*imag(a)
					qq += real(b)*real(b) + imag(b)*imag(b)
					pq += cmplx.Conj(a) * b
				}
				size := cmplx.Abs(pq)
				if size == 0 || size <= 1e-16*math.Sqrt(pp*qq) {
					continue
				}
				rotated = true
				phase := pq / complex(size, 0)
				zeta := (qq - pp) / (2 * size)
				tan := math.Copysign(1/(math.Abs(zeta)+math.Hypot(1, zeta)), zeta)
				cos := 1 / math.Hypot(1, tan)
				sin := cos * tan
				for i := range n {
					a, b := t[i*n+p], t[i*n+q]*cmplx.Conj(phase)
					t[i*n+p] = complex(cos, 0)*a - complex(sin, 0)*b
					t[i*n+q] = complex(sin, 0)*a + complex(cos, 0)*b
				}
			}
		}
		if !rotated {
			break
		}
	}
	values := make([]float64, n)
	for j := range n {
		for i := range n {
			z := t[i*n+j]
			values[j] += real(z)*real(z) + imag(z)*imag(z)
		}
	}
	slices.SortFunc(values, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	return values
}

// Side names a lead of a strip.
type Side int

const (
	Left Side = iota
	Right
)

// SMatrix computes the scattering matrix at one field and energy (any, not only points of the sweep).
func (w *Wire) SMatrix(ctx context.Context, onsite []float64, field, energy float64) (*SMatrix, error) {
	le, states, err := w.single(ctx, onsite, field, energy)
	if err != nil {
		return nil, err
	}
	n, width, length := le.Modes, w.Strip.Width, w.Strip.Length
	m := &SMatrix{Modes: n, Data: make([]complex128, 4*n*n)}
	toLeft, toRight := projectors(le)
	for in := range 2 * n {
		psi := states[in]
		first, last := slices.Clone(psi[:width]), slices.Clone(psi[(length-1)*width:])
		// outgoing = ψ − incoming
		u, v := le.Vectors[in%n*width:][:width], 1/math.Sqrt(le.Velocity[in%n])
		for y := range width {
			if in < n {
				first[y] -= complex(u[y]*v, 0)
			} else {
				last[y] -= complex(u[width-1-y]*v, 0)
			}
		}
		for out := range n {
			m.Data[out*2*n+in] = dot(toLeft[out], first)
			m.Data[(n+out)*2*n+in] = dot(toRight[out], last)
		}
	}
	return m, nil
}

// projectors returns the rows P_m that give the amplitudes of the outgoing modes at either end.
//
// The current form J(a, b) = i(a_x†τ b_{x+1} − a_{x+1}†τ†b_x) does not depend on x for two solutions of a lead; it is v between
// a right-moving mode and itself and zero between it and every other decaying or right-moving solution. With ψ_{x+1} = Fψ_x it
// gives P_m = (i/√v) u†(τF − λ*τ†): no inverse of the matrix of modes, which is ill-conditioned.
func projectors(le *lead.Lead) (toLeft, toRight [][]complex128) {
	w := le.Width
	for n := range le.Modes {
		u := le.Vectors[n*w:][:w]
		sin, cos := math.Sincos(le.Wavenumber[n])
		factor := complex(0, 1/math.Sqrt(le.Velocity[n]))
		right, left := make([]complex128, w), make([]complex128, w)
		for y := range w {
			for j := range w {
				right[j] += factor * complex(u[y], 0) * hop(le, y) * le.F[y*w+j]
			}
			right[y] -= factor * complex(u[y]*cos, -u[y]*sin) * cmplx.Conj(hop(le, y))
		}
		for y := range w { // the left lead is the right one seen in the mirror
			left[w-1-y] = right[y]
		}
		toLeft, toRight = append(toLeft, left), append(toRight, right)
	}
	return toLeft, toRight
}

// hop returns τ(y) = −t·exp(2iφȳ).
func hop(le *lead.Lead, y int) complex128 {
	sin, cos := math.Sincos(2 * le.Field * (float64(y) - float64(le.Width-1)/2))
	return complex(-le.Hopping*cos, -le.Hopping*sin)
}

func dot(a, b []complex128) (sum complex128) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// LDOS computes the local density of states −Im G_ii/π per energy and site (Length × Width) at one field and energy: the sum of
// |ψ|²/2π over the incoming modes of both leads. Bound states are not in it.
func (w *Wire) LDOS(ctx context.Context, onsite []float64, field, energy float64, out []float64) error {
	if err := CheckLength("ldos", len(out), w.Inputs()); err != nil {
		return err
	}
	_, states, err := w.single(ctx, onsite, field, energy)
	if err != nil {
		return err
	}
	clear(out)
	for _, psi := range states {
		for i, z := range psi {
			out[i] += (real(z)*real(z) + imag(z)*imag(z)) / (2 * math.Pi)
		}
	}
	return nil
}

// States computes the scattering states of the modes coming in from one side at one field and energy, [mode][x][y], normalised
// to unit flux (ħ = 1), in the gauge of lattice.Strip.
func (w *Wire) States(ctx context.Context, onsite []float64, field, energy float64, from Side) ([][]complex128, error) {
	if from != Left && from != Right {
		return nil, fault.Invalid("side", "%d; give 0 for left or 1 for right", from)
	}
	le, states, err := w.single(ctx, onsite, field, energy)
	if err != nil {
		return nil, err
	}
	states = states[int(from)*le.Modes:][:le.Modes]
	width := w.Strip.Width
	for _, psi := range states {
		for i := range psi { // from ȳ to y
			psi[i] *= cmplx.Exp(complex(0, -field*float64(width-1)*float64(i/width)))
		}
	}
	return states, nil
}

// single solves one point, usually not of the sweep: the states of all incoming modes, the left lead's first, in the gauge of
// package lead, normalised to unit flux.
func (w *Wire) single(ctx context.Context, onsite []float64, field, energy float64) (*lead.Lead, [][]complex128, error) {
	if !(math.Abs(field) <= math.MaxFloat64) {
		return nil, nil, fault.Invalid("field", "%g; give a finite value", field)
	}
	if !(math.Abs(energy) <= math.MaxFloat64) {
		return nil, nil, fault.Invalid("energy", "%g; give a finite value", energy)
	}
	strip := w.Strip
	strip.Fields, strip.Energies = []float64{field}, []float64{energy}
	one, err := newWire(strip, Options{Threads: 1, MemoryLimit: w.limit, Kernel: w.Kernel.Name(), Context: ctx}, false)
	if err != nil {
		return nil, nil, err
	}
	defer one.Close()
	le := one.leads[0]
	states := make([][]complex128, 2*le.Modes)
	err = one.Run(ctx, onsite, func(s *Workspace, g *Group) error {
		if g.Modes == 0 {
			return nil
		}
		if err := s.Factor(); err != nil {
			return err
		}
		left, err := s.Full(0, Direct)
		if err != nil {
			return err
		}
		right, err := s.Full(1, Direct)
		if err != nil {
			return err
		}
		err = s.SolveAll(Request{Wave: left, FromLeft: g.FromLeft, Strict: true}, Request{Wave: right, FromRight: g.FromRight, Strict: true})
		if err != nil {
			return err
		}
		for n := range le.Modes {
			states[n] = s.Extract(left, n, 0)
			states[le.Modes+n] = s.Extract(right, n, 0)
		}
		return nil
	})
	return le, states, err
}

// Extract returns one column of a full wave for one lane, [x][y], in the gauge of package lead and in units of the energy:
// unit flux for ψ.
func (s *Workspace) Extract(v *Wave, column, lane int) []complex128 {
	strip := &s.wire.Strip
	phi, norm := strip.Fields[s.group.Points[lane]], 1/math.Sqrt(strip.Hopping)
	if v.Transposed {
		phi = -phi // χ turns against ψ
	}
	psi := make([]complex128, strip.Sites())
	for slice := range s.length {
		from, to := v.At(slice), psi[(s.length-1-slice)*s.width:]
		for y := range s.width {
			at := (y*s.columns()+column)*2*s.lanes + lane
			ybar := float64(y) - float64(s.width-1)/2
			turn := cmplx.Exp(complex(0, 2*phi*ybar*float64(slice)))
			to[y] = turn * complex(norm*from[at], norm*from[at+s.lanes])
		}
	}
	return psi
}
