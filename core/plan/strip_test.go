package plan

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWork checks that hops have less work on square strips of moderate width, and fronts on wide ones.
func TestWork(t *testing.T) {
	for _, c := range []struct {
		length, width int
		columns       float64
		fronts        bool
	}{{30, 30, 6, false}, {100, 100, 21, false}, {6, NarrowStrip, 30, false}, {30, 400, 86, true}} {
		n, rows, cols, leads, positions := grid(c.length, c.width)
		fronts := newFronts(t, n, rows, cols, leads, positions, 2).Work(c.columns)
		nodes := NewStrip(c.length, c.width).Nodes(slices.Repeat([]float64{4}, n), 1.2, 1.2, Budget(c.length))
		sweep := StripWork(c.length, c.width, len(nodes), c.columns)
		assert.Equal(t, c.fronts, fronts < sweep, "%d × %d: %g and %g", c.length, c.width, fronts, sweep)
	}
}

// TestNodes checks that hops are as long as growth allows: four slices of a clean wire, one where a site stands out.
func TestNodes(t *testing.T) {
	h := slices.Repeat([]float64{4}, 5*20)
	p := NewStrip(20, 5)
	assert.Equal(t, []int{0, 4, 8, 12, 16, 19}, p.Nodes(h, 1.2, 1.2, Budget(20)))
	h[7*5+2] = 1e6
	nodes := p.Nodes(h, 1.2, 1.2, Budget(20))
	at := slices.Index(nodes, 7)
	if assert.GreaterOrEqual(t, at, 0, "%v", nodes) {
		assert.Equal(t, 8, nodes[at+1])
	}
	assert.Len(t, p.Nodes(h, 1.2, 1.2, 0), 20)
}

// TestCheapBudget checks that only long rough wires get longer hops: not long smooth ones, nor short rough ones.
func TestCheapBudget(t *testing.T) {
	const width = 6
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		length   int
		disorder float64
		want     float64
	}{{1000, 0, 1e3}, {1000, 0.1, 1e3}, {1000, 0.3, 1e4}, {30, 100, 1e3}} {
		h := make([]float64, c.length*width)
		for i := range h {
			h[i] = 4 + math.Sin(float64(i/width)/20) + c.disorder*r.NormFloat64()
		}
		assert.Equal(t, c.want, CheapBudget(h, width), "%+v", c)
	}
}
