package exchange

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"mcd/adjoint"
	"mcd/capi/exchange/fb"
	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/lattice"
	"mcd/core/optimize"
)

// Decode reads a FlatBuffer. Everything it returns is a copy and has been checked: the buffer by verify, the meaning by what
// builds problems. All its errors are of kind File.
func Decode(buffer []byte) (*Document, error) {
	b := slices.Clone(buffer) // the caller might change it after the check
	if err := verify(b); err != nil {
		return nil, err
	}
	d, err := reader{}.document(fb.GetRootAsDocument(b, 0))
	if err == nil {
		err = d.validate()
	}
	if err != nil {
		var e *fault.Error
		if errors.As(err, &e) && e.Kind == fault.Memory {
			return nil, err
		}
		return nil, damaged("%v", err)
	}
	return d, nil
}

// reader turns verified tables into values.
type reader struct{}

// A table of the generated code: its fields are read by number (in the order of the schema).
type table interface{ Table() flatbuffers.Table }

// vector returns the bytes of the elements of a vector field and their number, absent false.
func (reader) vector(t table, number, size int) (data []byte, present bool) {
	tab := t.Table()
	o := flatbuffers.UOffsetT(tab.Offset(flatbuffers.VOffsetT(4 + 2*number)))
	if o == 0 {
		return nil, false
	}
	start := tab.Vector(o)
	return tab.Bytes[start:][:tab.VectorLen(o)*size], true
}

func (r reader) doubles(t table, number int) []float64 {
	data, present := r.vector(t, number, 8)
	if !present {
		return nil
	}
	values := make([]float64, len(data)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return values
}

func (r reader) longs(t table, number int) []int64 {
	data, present := r.vector(t, number, 8)
	if !present {
		return nil
	}
	values := make([]int64, len(data)/8)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return values
}

func (r reader) complexes(t table, number int) []complex128 {
	flat := r.doubles(t, number)
	if flat == nil {
		return nil
	}
	values := make([]complex128, len(flat)/2)
	for i := range values {
		values[i] = complex(flat[2*i], flat[2*i+1])
	}
	return values
}

func (r reader) device(t *fb.Device) *Device {
	l := lattice.Device{Orbitals: int(t.Orbitals()), Rows: ints(r.longs(t, 1)), Cols: ints(r.longs(t, 2)), Values: r.complexes(t, 3),
		Energies: r.doubles(t, 4), Positions: r.doubles(t, 5), Dimensions: int(t.Dimensions()), NonHermitian: t.NonHermitian() != 0}
	var leads []Lead
	for i := range t.LeadsLength() {
		var le fb.Lead
		t.Leads(&le, i)
		leads = append(leads, Lead{Interface: r.longs(&le, 0), Orbitals: int(le.Orbitals()), Cell: r.complexes(&le, 2),
			Hopping: r.complexes(&le, 3), Sigma: r.complexes(&le, 4), Modes: r.longs(&le, 5), Injection: r.complexes(&le, 6),
			Extraction: r.complexes(&le, 7), Direct: r.complexes(&le, 8)})
	}
	return NewDevice(l, leads)
}

func (r reader) document(t *fb.Document) (*Document, error) {
	p, err := r.problem(t.Problem(nil))
	if err != nil {
		return nil, err
	}
	d := &Document{Problem: p}
	if o := t.Options(nil); o != nil {
		if d.Options, err = r.options(o); err != nil {
			return nil, err
		}
	}
	if s := t.State(nil); s != nil {
		if d.State, err = r.state(s); err != nil {
			return nil, err
		}
	}
	if s := t.Result(nil); s != nil {
		if d.Result, err = r.result(s); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r reader) problem(t *fb.Problem) (*Problem, error) {
	p := &Problem{
		Target: r.doubles(t, 1), Weights: r.doubles(t, 2),
		Loss:       inverse.Loss{Name: string(t.Loss()), Scale: t.LossScale()},
		Background: r.doubles(t, 8), Lower: r.doubles(t, 9), Upper: r.doubles(t, 10),
		Frozen: slices.Clone(t.FrozenBytes()), Ties: r.longs(t, 12), Mirror: string(t.Mirror()), Filter: t.Filter(),
	}
	w, d := t.Wire(nil), t.Device(nil)
	switch {
	case (w == nil) == (d == nil):
		return nil, fault.Invalid("problem", "it has a wire and a device, or none of them; one is needed")
	case w != nil:
		p.Wire = lattice.Strip{Length: int(w.Length()), Width: int(w.Width()), Hopping: w.Hopping(), LeadOnsite: w.LeadOnsite(),
			Fields: r.doubles(w, 4), Energies: r.doubles(w, 5)}
		p.Backend = string(w.Backend())
	default:
		p.Device, p.Curves = r.device(d), r.longs(t, 17)
	}
	if s := t.Directions(nil); s != nil {
		var names []string
		if s.Names() != nil {
			names = strings.Split(string(s.Names()), "\n")
		}
		var err error
		if p.Directions, err = NewDirections(r.longs(s, 0), r.longs(s, 1), r.complexes(s, 2), r.doubles(s, 3), names); err != nil {
			return nil, err
		}
	}
	if s := t.Sites(nil); s != nil {
		p.Sites = &Sites{r.doubles(s, 0)}
	}
	if g := t.Gaussians(nil); g != nil {
		p.Gaussians = &Gaussians{r.doubles(g, 0), r.doubles(g, 1), r.doubles(g, 2), r.doubles(g, 3), g.Free()}
	}
	if g := t.Gates(nil); g != nil {
		p.Gates = &Gates{r.doubles(g, 0), r.doubles(g, 1)}
	}
	for i := range t.RegularizersLength() {
		var g fb.Regularizer
		t.Regularizers(&g, i)
		if string(g.Name()) != "smoothness" || p.Smoothness != 0 {
			return nil, fault.Invalid("regularizers", "%q is not known, or given twice; this library knows \"smoothness\"", g.Name())
		}
		p.Smoothness = g.Weight()
	}
	return p, nil
}

func (r reader) options(t *fb.Options) (*inverse.DesignOptions, error) {
	o := inverse.DefaultDesign(string(t.Method()))
	if !slices.Contains(optimize.Methods(), o.Method) {
		return nil, fault.Invalid("method", "%q is not known; this library knows %q", o.Method, optimize.Methods())
	}
	steps, factors := r.longs(t, 2), r.doubles(t, 3)
	if len(steps) != len(factors) {
		return nil, fault.Invalid("schedule", "%d steps and %d factors", len(steps), len(factors))
	}
	for i := range steps {
		o.Schedule = append(o.Schedule, optimize.ScheduleStep{Step: int(steps[i]), Factor: factors[i]})
	}
	o.LearningRate = t.LearningRate()
	o.MaxEvaluations, o.MaxIterations, o.MaxSeconds = int(t.MaxEvaluations()), int(t.MaxIterations()), t.TimeLimit()
	o.StopObjective, o.StepTolerance, o.GradientTolerance = t.StopObjective(), t.StepTolerance(), t.GradientTolerance()
	o.StallIterations, o.StallTolerance = int(t.StallIterations()), t.StallTolerance()
	o.Starts, o.Spread, o.Distinct, o.Seed = int(t.Starts()), t.Spread(), t.Distinct(), t.Seed()
	return &o, nil
}

func (r reader) state(t *fb.State) (*inverse.RunState, error) {
	s := &inverse.RunState{}
	for i := range t.FinishedLength() {
		var f fb.FinishedStart
		t.Finished(&f, i)
		status, err := statusOf(f.Status())
		if err != nil {
			return nil, err
		}
		s.Finished = append(s.Finished, inverse.FinishedStart{Parameters: r.doubles(&f, 0), Objective: f.Objective(), Status: status,
			Message: string(f.Message()), Evaluations: f.Evaluations(), Seconds: f.Seconds(), Conductance: r.doubles(&f, 6),
			History: r.doubles(&f, 7), HistoryEvaluations: r.longs(&f, 8)})
	}
	if m := t.Current(nil); m != nil {
		s.Current = r.minimization(m)
	}
	for i := range t.BesideLength() {
		var m fb.Minimization
		t.Beside(&m, i)
		s.Beside = append(s.Beside, r.minimization(&m))
	}
	return s, nil
}

func (r reader) minimization(m *fb.Minimization) *optimize.State {
	return &optimize.State{Method: string(m.Method()), Scalars: r.doubles(m, 1), Vectors: r.doubles(m, 2), Iteration: m.Iteration(),
		Evaluations: m.Evaluations(), Seconds: m.Seconds(), Point: r.doubles(m, 6), Best: r.doubles(m, 7), BestObjective: m.BestObjective(),
		StepNorm: m.StepNorm(), History: r.doubles(m, 10), HistoryEvaluations: r.longs(m, 11)}
}

// statusOf returns the status of a name.
func statusOf(name []byte) (optimize.Status, error) {
	for s := optimize.Running; s <= optimize.Failed; s++ {
		if s.String() == string(name) {
			return s, nil
		}
	}
	return 0, fault.Invalid("status", "%q is not known", name)
}

func (r reader) result(t *fb.Result) (*Result, error) {
	out := &Result{Evaluations: int(t.Evaluations()), Seconds: t.Seconds(), Backend: string(t.Backend())}
	for i := range t.OutcomesLength() {
		var o fb.Outcome
		t.Outcomes(&o, i)
		status, err := statusOf(o.Status())
		if err != nil {
			return nil, err
		}
		out.Outcomes = append(out.Outcomes, Outcome{inverse.Outcome{Start: int(o.Start()), Status: status, Message: string(o.Message()),
			Theta: r.doubles(&o, 3), Parameters: r.doubles(&o, 4), Onsite: r.doubles(&o, 6), Conductance: r.doubles(&o, 7),
			Objective: o.Objective(), Evaluations: int(o.Evaluations()), Seconds: o.Seconds(),
			History: r.doubles(&o, 11), HistoryEvaluations: r.longs(&o, 12)}, r.doubles(&o, 5), r.doubles(&o, 13)})
	}
	return out, nil
}

// validate checks the meaning of a document that has been read.
func (d *Document) validate() error {
	p := d.Problem
	if p.Device != nil {
		if err := p.Device.Validate(); err != nil {
			return err
		}
	}
	if p.Device != nil && p.Directions != nil {
		if err := adjoint.ValidateDirections(&p.Device.Lattice, p.Directions.Directions); err != nil {
			return err
		}
	}
	parametrization, err := p.Validate()
	if err != nil {
		return err
	}
	n := parametrization.Parameters()
	if d.State != nil {
		if err := checkState(d.State, n, p.Outputs()); err != nil {
			return err
		}
	}
	if d.Result == nil {
		return nil
	}
	if len(d.Result.Outcomes) == 0 {
		return fault.Invalid("result", "it has no outcome")
	}
	for i := range d.Result.Outcomes {
		if err := d.Result.Outcomes[i].check(n, p); err != nil {
			return err
		}
	}
	return nil
}

func checkState(s *inverse.RunState, parameters, points int) error {
	for i, f := range s.Finished {
		if len(f.Parameters) != parameters || len(f.Conductance) != points || !finite(f.Parameters) || len(f.History) != len(f.HistoryEvaluations) {
			return fault.Invalid("state", "start %d does not fit the problem", i)
		}
	}
	if s.Current == nil && len(s.Beside) > 0 {
		return fault.Invalid("state", "starts run beside none")
	}
	for _, c := range append([]*optimize.State{s.Current}, s.Beside...) {
		if c == nil {
			continue
		}
		if len(c.Point) != parameters || len(c.Best) != parameters || !finite(c.Point) || !finite(c.Best) || len(c.History) != len(c.HistoryEvaluations) {
			return fault.Invalid("state", "a running start does not fit the problem")
		}
	}
	return nil
}

func (o *Outcome) check(parameters int, p *Problem) error {
	switch {
	case len(o.Theta) != parameters, len(o.Parameters) != p.Entries(), len(o.Onsite) != p.Inputs(), len(o.Conductance) != p.Outputs(),
		o.Errors != nil && len(o.Errors) != p.Entries(), len(o.History) != len(o.HistoryEvaluations),
		o.Roughness != nil && len(o.Roughness) != len(o.History),
		!finite(o.Theta), !finite(o.Parameters), !finite(o.Onsite), !finite(o.Conductance):
		return fault.Invalid("result", "an outcome does not fit the problem")
	}
	return nil
}

func finite(values []float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
