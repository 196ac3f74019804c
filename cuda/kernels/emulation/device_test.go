//go:build cgo

package emulation_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"unsafe"

	"mcd/adjoint"
	"mcd/core/lattice"
	"mcd/cuda/kernels"
	"mcd/cuda/kernels/emulation"

	"github.com/stretchr/testify/require"
)

var library *emulation.Library

func TestMain(m *testing.M) {
	path, err := os.Getenv("MCD_EMULATION"), error(nil)
	if path == "" {
		path = built("libmcdemulation.so")
		err = emulation.Build(path)
	}
	if err == nil {
		library, err = emulation.Load(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// built returns where the emulation called name is to be.
func built(name string) string {
	return filepath.Join(emulation.Source(), "../../../build/emulation", name)
}

// device is the memory of a test: it frees itself.
type device struct{ t testing.TB }

// take returns an address with room for n values of T, and the values: poisoned.
func take[T any](d device, n int) (uint64, []T) {
	var v T
	p := emulation.Allocate(max(n, 1) * int(unsafe.Sizeof(v)))
	d.t.Cleanup(func() { emulation.Free(p) })
	return uint64(uintptr(p)), unsafe.Slice((*T)(p), n)
}

// put returns the address of a copy.
func put[T any](d device, values ...T) uint64 {
	address, to := take[T](d, len(values))
	copy(to, values)
	return address
}

func launch[T any](d device, entry string, x, y int, shared uint32, args T) {
	d.t.Helper()
	require.NoError(d.t, library.Launch(entry, x, y, shared, put(d, args)), entry)
}

// problem is a batch on the emulated device beside the CPU's engine.
type problem struct {
	device
	cpu     *adjoint.Wire
	wire    uint64
	strip   lattice.Strip
	columns int
	sweep   kernels.SweepArgs
	onsite  uint64
	g, jac  []float64
	status  []uint32
	doubt   []float64
	slots   int
}

func newProblem(t testing.TB, strip lattice.Strip, onsite ...[]float64) *problem {
	t.Helper()
	cpu, err := adjoint.NewWire(strip, adjoint.Options{})
	require.NoError(t, err)
	t.Cleanup(cpu.Close)
	p := &problem{device: device{t}, cpu: cpu, strip: strip, slots: 3}
	points, sites, designs := strip.Points(), strip.Sites(), len(onsite)
	p.columns = 1
	for _, n := range cpu.Ceiling() {
		p.columns = max(p.columns, n)
	}
	var energy []float64
	var phases, right, left, fromLeft, fromRight []complex128
	var modes, order []int32
	low, high := math.Inf(1), math.Inf(-1)
	for k := range points {
		c, err := cpu.Constants(k)
		require.NoError(t, err)
		n := cpu.Ceiling()[k]
		energy, phases = append(energy, c.Energy), append(phases, c.Phases...)
		low, high = min(low, c.Energy), max(high, c.Energy)
		right, left = append(right, c.Right...), append(left, c.Left...)
		for y := range strip.Width {
			for j := range p.columns {
				var l, r complex128
				if j < n {
					l, r = c.FromLeft[y*n+j], c.FromRight[y*n+j]
				}
				fromLeft, fromRight = append(fromLeft, l), append(fromRight, r)
			}
		}
		modes, order = append(modes, int32(n)), append(order, int32(points-1-k))
	}
	p.wire = put(p.device, kernels.Wire{Width: int32(strip.Width), Length: int32(strip.Length), Points: int32(points),
		Columns: int32(p.columns), Hopping: strip.Hopping, EnergyLow: low, EnergyHigh: high, Energy: put(p.device, energy...),
		Phases: put(p.device, phases...), Right: put(p.device, right...), Left: put(p.device, left...),
		FromLeft: put(p.device, fromLeft...), FromRight: put(p.device, fromRight...), Modes: put(p.device, modes...)})
	var all []float64
	for _, h := range onsite {
		all = append(all, h...)
	}
	p.onsite = put(p.device, all...)
	a := &p.sweep
	a.Wire, a.Order, a.Designs, a.Count, a.PivotLimit, a.Derive = p.wire, put(p.device, order...), int32(designs), int32(points), kernels.PivotLimit, 1
	a.Potential, _ = take[float64](p.device, designs*sites)
	a.Nodes, _ = take[int32](p.device, designs*(strip.Length+1))
	a.Conductance, p.g = take[float64](p.device, designs*points)
	a.Jacobian, p.jac = take[float64](p.device, designs*points*sites)
	a.Status, p.status = take[uint32](p.device, designs*points)
	a.Residual, p.doubt = take[float64](p.device, designs*points)
	a.WorkspaceStride = uint64(emulation.RedoWorkspace(strip.Width, strip.Length, p.columns))
	a.Workspace, _ = take[byte](p.device, p.slots*int(a.WorkspaceStride))
	return p
}

// run plans, sweeps and redoes.
func (p *problem) run(budget float64) {
	p.t.Helper()
	launch(p.device, "mcd_plan", int(p.sweep.Designs), 1, emulation.PlanShared(p.strip.Width),
		kernels.PlanArgs{Wire: p.wire, Onsite: p.onsite, Potential: p.sweep.Potential, Nodes: p.sweep.Nodes, Budget: budget, Designs: p.sweep.Designs})
	p.solve()
}

func (p *problem) solve() {
	for _, kind := range []string{"sweep", "redo"} {
		launch(p.device, fmt.Sprintf("mcd_%s_%d", kind, emulation.EntryWidth(p.strip.Width)), p.slots, 1, emulation.SweepShared(p.strip.Width), p.sweep)
	}
}

// values returns what lies at an address.
func values[T any](address uint64, n int) []T {
	return unsafe.Slice((*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address))), n)
}

// layouts returns the Go structs by the names of their twins in C.
func layouts() map[string]reflect.Type {
	return map[string]reflect.Type{
		"mcd_gpu_wire":            reflect.TypeFor[kernels.Wire](),
		"mcd_gpu_plan_args":       reflect.TypeFor[kernels.PlanArgs](),
		"mcd_gpu_sweep_args":      reflect.TypeFor[kernels.SweepArgs](),
		"mcd_gpu_combine_args":    reflect.TypeFor[kernels.CombineArgs](),
		"mcd_gpu_objective_args":  reflect.TypeFor[kernels.ObjectiveArgs](),
		"mcd_gpu_parametrization": reflect.TypeFor[kernels.Parametrization](),
		"mcd_gpu_update_args":     reflect.TypeFor[kernels.UpdateArgs](),
	}
}
