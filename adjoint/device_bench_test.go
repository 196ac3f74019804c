package adjoint

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/scatter"
)

// bar makes a square lattice of length × width sites with rectangular arms of `arm` columns above and below it (none if arm is
// 0), in a field at `points` values, with leads left, right and at the ends of the arms.
func bar(t testing.TB, length, width, arm, stub, points int) (lattice.Device, [][]lead.Terminal) {
	type site struct{ x, y int }
	number := map[site]int{}
	var sites []site
	add := func(x, y int) {
		number[site{x, y}] = len(sites)
		sites = append(sites, site{x, y})
	}
	for x := range length {
		for y := range width {
			add(x, y)
		}
	}
	inArm := func(x int) bool {
		return arm > 0 && (x >= length/6 && x < length/6+arm || x >= 2*length/3 && x < 2*length/3+arm)
	}
	for x := range length {
		for y := 0; y < stub && inArm(x); y++ {
			add(x, width+y)
			add(x, -1-y)
		}
	}
	l := lattice.Device{Orbitals: len(sites), Dimensions: 2}
	for i, s := range sites {
		l.Rows, l.Cols = append(l.Rows, i), append(l.Cols, i)
		l.Positions = append(l.Positions, float64(s.x), float64(s.y))
		for _, to := range []site{{s.x + 1, s.y}, {s.x, s.y + 1}} {
			if j, ok := number[to]; ok {
				l.Rows, l.Cols = append(l.Rows, i, j), append(l.Cols, j, i)
			}
		}
	}
	for p := range points {
		l.Energies = append(l.Energies, 1.2)
		field := 0.03 * float64(p) / float64(points)
		for k, i := range l.Rows {
			a, b := sites[i], sites[l.Cols[k]]
			switch {
			case a == b:
				l.Values = append(l.Values, complex(4+0.3*math.Sin(float64(7*i*i)), 0))
			default:
				l.Values = append(l.Values, -cmplx.Exp(complex(0, -field*float64((a.x-b.x)*(a.y+b.y)))))
			}
		}
	}
	side := func(x0, y0, dx, dy, n int) {
		var orbitals []int
		for k := range n {
			orbitals = append(orbitals, number[site{x0 + k*dx, y0 + k*dy}])
		}
		l.Interfaces = append(l.Interfaces, orbitals)
	}
	side(0, 0, 0, 1, width)
	side(length-1, 0, 0, 1, width)
	if arm > 0 {
		for _, y := range []int{width + stub - 1, -stub} {
			side(length/6, y, 1, 0, arm)
			side(2*length/3, y, 1, 0, arm)
		}
	}
	var terminals [][]lead.Terminal
	for _, orbitals := range l.Interfaces { // leads of the plain lattice without field: what they are does not matter for the time
		n := len(orbitals)
		cell := lead.Cell{Orbitals: n, Interface: n, Energy: 1.2, Hamiltonian: make([]complex128, n*n), Hopping: make([]complex128, n*n)}
		for k := range n {
			cell.Hamiltonian[k*n+k], cell.Hopping[k*n+k] = 4, -1
			if k > 0 {
				cell.Hamiltonian[k*n+k-1], cell.Hamiltonian[(k-1)*n+k] = -1, -1
			}
		}
		modes, err := lead.SolveCells(context.Background(), []*lead.Cell{&cell}, 1)
		require.NoError(t, err)
		list := make([]lead.Terminal, points)
		for p := range list {
			list[p] = modes[0].Terminal()
		}
		terminals = append(terminals, list)
	}
	return l, terminals
}

func BenchmarkDevice(b *testing.B) {
	for _, c := range []struct{ length, width, arm int }{{30, 30, 0}, {100, 100, 0}, {120, 40, 20}} {
		l, terminals := bar(b, c.length, c.width, c.arm, 4, 16)
		d, err := NewDevice(l, terminals, []scatter.Pair{{To: 1, From: 0}}, scatter.Options{Threads: 1})
		require.NoError(b, err)
		g, jac, grad := make([]float64, d.Outputs()), make([]float64, d.Outputs()*d.Inputs()), make([]float64, d.Inputs())
		for name, run := range map[string]func() error{
			"value":    func() error { return d.Value(context.Background(), nil, g) },
			"gradient": func() error { return d.Gradient(context.Background(), nil, nil, g, grad) },
			"jacobian": func() error { return d.Jacobian(context.Background(), nil, g, jac) },
		} {
			b.Run(fmt.Sprintf("%dx%d/%d/%s", c.length, c.width, c.arm, name), func(b *testing.B) {
				for b.Loop() {
					require.NoError(b, run())
				}
			})
		}
		d.Close()
	}
}
