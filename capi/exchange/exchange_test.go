package exchange

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/lattice"
	"mcd/core/optimize"
)

// fill sets every field of v that it can reach to a value that differs from zero and from its neighbours.
func fill(v reflect.Value, next *int) {
	*next++
	switch v.Kind() {
	case reflect.Float64:
		v.SetFloat(float64(*next) + 0.5)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*next))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*next))
	case reflect.String:
		v.SetString("text")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fill(v.Index(i), next)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	}
}

// example is a document with everything in it: a wire of 3 × 2 sites and 3 points.
func example() *Document {
	next := 1 // values as in the files of earlier releases
	state := &inverse.RunState{}
	fill(reflect.ValueOf(&state.Finished).Elem(), &next)
	fill(reflect.ValueOf(&state.Current).Elem(), &next)
	for i := range state.Finished {
		state.Finished[i].Status = optimize.Stalled
	}
	outcome := Outcome{}
	fill(reflect.ValueOf(&outcome).Elem(), &next)
	outcome.Status, outcome.Onsite, outcome.Parameters = optimize.Objective, []float64{1, 2, 3, 4, 5, 6}, []float64{1, 2, 3}
	outcome.Errors = []float64{4, 5, 6}
	fill(reflect.ValueOf(&state.Beside).Elem(), &next)
	for _, s := range append(state.Beside, state.Current) {
		s.Method, s.Point, s.Best = "lm", make([]float64, 3), []float64{1, 2, 3}
	}
	options := inverse.DefaultDesign("adam")
	options.Schedule = optimize.Schedule{{Step: 3, Factor: 0.5}, {Step: 9, Factor: 0.25}}
	options.Seed = 1 << 63
	return &Document{
		Problem: &Problem{Wire: lattice.Strip{Length: 3, Width: 2, Hopping: 1.5, LeadOnsite: 6, Fields: []float64{0, 0.01, -0.02}, Energies: []float64{1, 1, 2}},
			Backend: "cpu", Target: []float64{0.5, 1, 1}, Weights: []float64{1, 2, 0}, Loss: inverse.Loss{Name: "log", Scale: 0.5},
			Gaussians:  &Gaussians{X: []float64{1}, Y: []float64{0.5}, Amplitude: []float64{-2}, Radius: []float64{1}, Free: FreeY | FreeAmplitude | FreeRadius},
			Background: []float64{6, 6, 6, 6, 6, 5}, Lower: []float64{0, -9, 0.5}, Upper: []float64{1, 9, 2}, Frozen: []byte{0, 0, 0}, Ties: []int64{-1, -1, 4},
			Smoothness: 0.01},
		Options: &options, State: state,
		Result: &Result{Outcomes: []Outcome{outcome, outcome}, Evaluations: 7, Seconds: 8.5, Backend: "cpu strip, plain"},
	}
}

func TestRoundTrip(t *testing.T) {
	d := example()
	got, err := Decode(d.Encode())
	require.NoError(t, err)
	assert.Equal(t, d, got, "a member is lost on the way: add it to mcd.fbs, encode.go and decode.go")
}

// sitesExample and gatesExample are problems alone, with the other parametrizations.
func sitesExample() *Document {
	return &Document{Problem: &Problem{Wire: example().Problem.Wire, Target: []float64{0, 1, 2}, Sites: &Sites{Start: []float64{1, 2, 3, 4, 5, 6}}, Mirror: "both", Filter: 1.5}}
}

func gatesExample() *Document {
	return &Document{Problem: &Problem{Wire: example().Problem.Wire, Target: []float64{0, 1, 2}, Gates: &Gates{Basis: make([]float64, 12), Volts: []float64{1, 2}}}}
}

// TestRoundTripKinds covers these, and what is absent stays absent.
func TestRoundTripKinds(t *testing.T) {
	for _, d := range []*Document{sitesExample(), gatesExample()} {
		got, err := Decode(d.Encode())
		require.NoError(t, err)
		assert.Equal(t, d, got)
	}
}

// deviceExample is a chain of four orbitals between a lead by cells and one by waves, two points, all parametrized by
// directions that change over the points.
func deviceExample() *Document {
	chain := lattice.Device{Orbitals: 4, Rows: []int{0, 1, 1, 2, 2, 3}, Cols: []int{1, 0, 2, 1, 3, 2},
		Values: []complex128{1, 1, 2i, -2i, 1, 1, 2, 2, 3i, -3i, 2, 2}, Energies: []float64{0.5, 0.25},
		Positions: []float64{0, 1, 2, 3}, Dimensions: 1}
	leads := []Lead{{Interface: []int64{0}, Orbitals: 1, Cell: []complex128{0}, Hopping: []complex128{1, 2}},
		{Interface: []int64{3}, Sigma: []complex128{-1i}, Modes: []int64{1, 0}, Injection: []complex128{2}, Extraction: []complex128{2i}, Direct: []complex128{-1}}}
	directions := &Directions{Start: []float64{0.5, -1}, Names: []string{"a", "b"}, Directions: []adjoint.Direction{
		{Entries: []int{0, 1}, Values: []complex128{1i, -1i, 1, 1}}, {Entries: []int{4, 5}, Values: []complex128{1, 1, 2, 2}}}}
	return &Document{Problem: &Problem{Device: NewDevice(chain, leads), Curves: []int64{1, 0, 0, 0}, Target: []float64{0, 0.5, 1, 0},
		Directions: directions, Lower: []float64{-1, -2}}}
}

func TestRoundTripDevice(t *testing.T) {
	d := deviceExample()
	got, err := Decode(d.Encode())
	require.NoError(t, err)
	assert.Equal(t, d, got)
	d.Problem.Directions, d.Problem.Lower = nil, nil
	d.Problem.Gaussians = &Gaussians{X: []float64{1}, Y: []float64{0}, Amplitude: []float64{-2}, Radius: []float64{1}, Free: FreeX}
	d.Problem.Device.Lattice.NonHermitian = true
	d.Problem.Device.Leads[1].Extraction, d.Problem.Device.Leads[1].Direct = nil, nil
	got, err = Decode(d.Encode())
	require.NoError(t, err)
	assert.Equal(t, d, got)
}

func TestDeviceMeaning(t *testing.T) {
	for text, change := range map[string]func(p *Problem){
		"curves":             func(p *Problem) { p.Curves = []int64{1} },
		"leads 0 to 1":       func(p *Problem) { p.Curves[0] = 2 },
		"target":             func(p *Problem) { p.Target = p.Target[1:] },
		"mirror":             func(p *Problem) { p.Mirror = "x" },
		"smoothness":         func(p *Problem) { p.Smoothness = 1 },
		"parametrization":    func(p *Problem) { p.Gates = &Gates{Basis: make([]float64, 4), Volts: []float64{1}} },
		"conjugate":          func(p *Problem) { p.Directions.Directions[0].Values[0] = 7 },
		"entry 9":            func(p *Problem) { p.Directions.Directions[0].Entries[0] = 9 },
		"names":              func(p *Problem) { p.Directions.Names = []string{"a"} },
		"pattern":            func(p *Problem) { p.Device.Lattice.Values = p.Device.Lattice.Values[1:] },
		"dimensions":         func(p *Problem) { p.Device.Lattice.Dimensions = 3 },
		"cell":               func(p *Problem) { p.Device.Leads[0].Cell = make([]complex128, 3) },
		"interface orbitals": func(p *Problem) { p.Device.Leads[0].Orbitals = -1 },
		"modes":              func(p *Problem) { p.Device.Leads[1].Modes[0] = 2 },
		"direct":             func(p *Problem) { p.Device.Leads[1].Direct = nil },
	} {
		d := deviceExample()
		change(d.Problem)
		_, err := Decode(d.Encode())
		assert.Equal(t, fault.File, fault.KindOf(err), text)
		assert.ErrorContains(t, err, text)
	}
}

// TestMeaning damages the meaning of sound buffers.
func TestMeaning(t *testing.T) {
	nan := math.NaN()
	for name, change := range map[string]func(d *Document){
		"no length":              func(d *Document) { d.Problem.Wire.Length = 0 },
		"huge":                   func(d *Document) { d.Problem.Wire.Length, d.Problem.Background = 1<<27, nil },
		"beyond the limit":       func(d *Document) { d.Problem.Wire.Length = 1 << 62 },
		"energies":               func(d *Document) { d.Problem.Wire.Energies = []float64{1} },
		"target":                 func(d *Document) { d.Problem.Target = []float64{1} },
		"NaN":                    func(d *Document) { d.Problem.Target[0] = nan },
		"two parametrizations":   func(d *Document) { d.Problem.Sites = &Sites{Start: make([]float64, 6)} },
		"radius":                 func(d *Document) { d.Problem.Gaussians.Radius[0] = 0 },
		"bounds":                 func(d *Document) { d.Problem.Lower[0] = 2 },
		"ties":                   func(d *Document) { d.Problem.Ties[0] = -2 },
		"frozen":                 func(d *Document) { d.Problem.Frozen = []byte{1, 1, 1} },
		"loss":                   func(d *Document) { d.Problem.Loss.Name = "cubes" },
		"mirror":                 func(d *Document) { d.Problem.Mirror = "y" },
		"method":                 func(d *Document) { d.Options.Method = "magic" },
		"state of other size":    func(d *Document) { d.State.Current.Point = []float64{1} },
		"state not finite":       func(d *Document) { d.State.Current.Best[1] = nan },
		"states beside none":     func(d *Document) { d.State.Current = nil },
		"state beside not right": func(d *Document) { d.State.Beside[1].Point = nil },
		"outcome of other size":  func(d *Document) { d.Result.Outcomes[1].Onsite = nil },
		"no outcome":             func(d *Document) { d.Result.Outcomes = nil },
	} {
		t.Run(name, func(t *testing.T) {
			d := example()
			change(d)
			_, err := Decode(d.Encode())
			require.Error(t, err)
			assert.Contains(t, []fault.Kind{fault.File, fault.Memory}, fault.KindOf(err), err.Error())
		})
	}
}

// mutate changes a few places of a buffer, mostly offsets and lengths.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(4) {
		switch at := r.IntN(len(b)); r.IntN(4) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			if at = at &^ 3; at+4 <= len(b) {
				binary.LittleEndian.PutUint32(b[at:], r.Uint32()>>r.IntN(32))
			}
		case 3:
			if len(b) > 16 {
				b = b[:len(b)-r.IntN(len(b)/8+1)]
			}
		}
	}
	return b
}

// TestMutations feeds damaged buffers: none may panic, hang or be large; MCD_SLOW_TESTS=1 for 300,000 of them.
func TestMutations(t *testing.T) {
	n := 20_000
	if os.Getenv("MCD_SLOW_TESTS") != "" {
		n = 300_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	good := [][]byte{example().Encode(), deviceExample().Encode()}
	accepted := 0
	for i := range n {
		b := mutate(r, good[i%len(good)])
		start := time.Now()
		d, err := Decode(b)
		require.Less(t, time.Since(start), 2*time.Second, "mutation %d", i)
		if err == nil {
			accepted++
			_, err = Decode(d.Encode())
			require.NoError(t, err, "mutation %d was accepted, but what was read is not accepted again", i)
		}
	}
	t.Logf("%d of %d damaged buffers still make sense", accepted, n)
}

// TestSharedParts is the attack that unfolds a small buffer to a huge document: many references to one table.
func TestSharedParts(t *testing.T) {
	w := writer{flatbuffers.NewBuilder(0)}
	d := example()
	one := w.outcome(&d.Result.Outcomes[0])
	parts := make([]offset, 100_000)
	for i := range parts {
		parts[i] = one
	}
	b := w.finish(d, w.tables(parts))
	start := time.Now()
	_, err := Decode(b)
	assert.ErrorContains(t, err, "overlap")
	assert.Less(t, time.Since(start), 100*time.Millisecond)
}

func TestVerifyShort(t *testing.T) {
	good := example().Encode()
	require.NoError(t, verify(good))
	for n := range len(good) - 7 { // at most 7 bytes at the end are padding
		assert.Error(t, verify(good[:n:n]), "cut to %d of %d bytes", n, len(good))
	}
	assert.Error(t, verify(nil))
	cycle := append([]byte{8, 0, 0, 0}, "MCD1"...) // a root whose vtable is itself
	cycle = append(cycle, 0, 0, 0, 0, 0, 0, 0, 0)
	assert.Error(t, verify(cycle))
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.mcd")
	d := example()
	require.NoError(t, d.Save(path))
	got, err := Load(path)
	require.NoError(t, err)
	assert.Equal(t, d, got)

	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range len(good) {
		_, err := open(good[:n])
		require.Equal(t, fault.File, fault.KindOf(err), "cut to %d of %d bytes", n, len(good))
	}
	for bit := range 8 * len(good) {
		b := bytes.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		_, err := open(b)
		require.Equal(t, fault.File, fault.KindOf(err), "bit %d", bit)
	}
	_, err = open(append(bytes.Clone(good), 0))
	assert.Error(t, err)
}

func TestFileErrors(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{filepath.Join(folder, "none.mcd"), folder, "/dev/zero", ""} {
		_, err := Load(path)
		assert.Equal(t, fault.File, fault.KindOf(err), path)
	}
	err := example().Save(filepath.Join(folder, "no", "such", "folder.mcd"))
	assert.Equal(t, fault.File, fault.KindOf(err))
	assert.ErrorContains(t, err, "no such file or directory")
	rest, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, rest, "a temporary file was left")
}

// TestGolden reads what earlier releases wrote; the files are kept for ever.
func TestGolden(t *testing.T) {
	first, second := example(), example()
	first.State.Beside, second.State.Beside = nil, nil // came later
	for i := range first.Result.Outcomes {             // so did this
		first.Result.Outcomes[i].Roughness = nil
	}
	for name, want := range map[string]*Document{"release-1.0": first, "release-1.0-roughness": second, "release-1.0-sites": sitesExample(),
		"release-1.0-gates": gatesExample(), "release-1.0-device": deviceExample()} {
		got, err := Load(filepath.Join("testdata", name+".mcd"))
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
}
