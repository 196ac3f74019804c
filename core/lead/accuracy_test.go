package lead

import (
	"context"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const precision = 130 // bits

func exact(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

// bigComplex is the arithmetic that the true error is measured with.
type bigComplex struct{ re, im *big.Float }

func fromComplex(z complex128) bigComplex { return bigComplex{exact(real(z)), exact(imag(z))} }

func (a bigComplex) plus(b bigComplex) bigComplex {
	return bigComplex{exact(0).Add(a.re, b.re), exact(0).Add(a.im, b.im)}
}

func (a bigComplex) times(b bigComplex) bigComplex {
	re := exact(0).Mul(a.re, b.re)
	im := exact(0).Mul(a.re, b.im)
	return bigComplex{re.Sub(re, exact(0).Mul(a.im, b.im)), im.Add(im, exact(0).Mul(a.im, b.re))}
}

func (a bigComplex) round() complex128 {
	re, _ := a.re.Float64()
	im, _ := a.im.Float64()
	return complex(re, im)
}

// phase is exp(i·field·m) by its power series and repeated squaring.
func phase(field float64, m int) bigComplex {
	theta := exact(0).Mul(exact(field), exact(float64(m)))
	const halvings = 24
	theta.SetMantExp(theta, -halvings)
	sum, term := fromComplex(1), fromComplex(1)
	for n := 1; n < 16; n++ {
		scale := exact(0).Quo(theta, exact(float64(n)))
		term = term.times(bigComplex{exact(0), scale})
		sum = sum.plus(term)
	}
	for range halvings {
		sum = sum.times(sum)
	}
	return sum
}

// errorOf is the largest error of an entry of F, to first order: minus one Newton step of its equation, whose residual is
// taken in 130 bits.
func errorOf(t *testing.T, l *Lead) float64 {
	w := l.Width
	f := make([]bigComplex, w*w)
	for i, v := range l.F {
		f[i] = fromComplex(v)
	}
	hopping := exact(-l.Hopping)
	diagonal := bigComplex{exact(0).Sub(exact(l.Onsite), exact(l.Energy)), exact(0)}
	c := make([]complex128, w*w)
	for y := range w {
		d := phase(l.Field, 2*y-(w-1))
		tau := bigComplex{exact(0).Mul(hopping, d.re), exact(0).Mul(hopping, d.im)}
		for j := range w {
			sum := fromComplex(0)
			for i := range w {
				sum = sum.plus(f[y*w+i].times(f[i*w+j]))
			}
			sum = sum.times(tau).plus(diagonal.times(f[y*w+j]))
			if y > 0 {
				sum = sum.plus(bigComplex{hopping, exact(0)}.times(f[(y-1)*w+j]))
			}
			if y < w-1 {
				sum = sum.plus(bigComplex{hopping, exact(0)}.times(f[(y+1)*w+j]))
			}
			if y == j {
				sum = sum.plus(bigComplex{tau.re, exact(0).Neg(tau.im)})
			}
			c[y*w+j] = sum.round()
		}
	}
	e, err := newStein(nil, l)
	require.NoError(t, err)
	dx, err := e.solve(c)
	require.NoError(t, err)
	return largest(dx)
}

func TestFIsAccurate(t *testing.T) {
	for _, s := range references(t) {
		for i := range s.Fields {
			if s.Name == "edges" && i%8 == 0 || s.base.Width < 30 && i == len(s.Fields)-1 || s.Name == "gaussian" && i%40 == 0 {
				assert.LessOrEqual(t, errorOf(t, solved(t, s.params(i))), 2e-13, "%s, field %g", s.Name, s.Fields[i])
			}
		}
	}
}

func TestDerivativesAreThoseOfF(t *testing.T) {
	for _, p := range []Params{{1, 1, 4, 2.5, 0.1}, {2, 1.3, 4, 1.5, 0.2}, {7, 1, 4, 1.2, 0}, {12, 1, 4, 1.2, 0.071}, wire(0.065), {9, 1, 4, 9, 0.1}, {5, 1, 4, 150, 0.1}} {
		dE, dField, err := solved(t, p).DerivativeF(context.Background())
		require.NoError(t, err)
		difference := func(shift func(p *Params, h float64), h float64) []complex128 {
			q, r := p, p
			shift(&q, h)
			shift(&r, -h)
			f, g := solved(t, q).F, solved(t, r).F
			d := make([]complex128, len(f))
			for i := range f {
				d[i] = (f[i] - g[i]) / complex(2*h, 0)
			}
			return d
		}
		for name, c := range map[string]struct {
			exact []complex128
			shift func(p *Params, h float64)
		}{
			"energy": {dE, func(p *Params, h float64) { p.Energy += h }},
			"field":  {dField, func(p *Params, h float64) { p.Field += h }},
		} {
			const h = 2e-5
			coarse, fine := difference(c.shift, 2*h), difference(c.shift, h)
			scale := largest(c.exact)
			for i := range coarse { // Richardson: the error of (4·fine − coarse)/3 is O(h⁴)
				fine[i] = (4*fine[i]-coarse[i])/3 - c.exact[i]
			}
			assert.LessOrEqual(t, largest(fine), 1e-8*max(scale, 1), "%s at %+v", name, p)
		}
	}
}
