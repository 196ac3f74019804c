package exchange

import (
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"mcd/capi/exchange/fb"
	"mcd/core/inverse"
	"mcd/core/optimize"
)

// Encode returns the document as a FlatBuffer.
func (d *Document) Encode() []byte {
	w := writer{flatbuffers.NewBuilder(1024)}
	return w.finish(d, w.outcomes(d.Result))
}

// finish writes a document whose outcomes have been written and returns the buffer.
func (w writer) finish(d *Document, outcomes offset) []byte {
	problem, options, state, result := w.problem(d.Problem), w.options(d.Options), w.state(d.State), w.result(d.Result, outcomes)
	fb.DocumentStart(w.Builder)
	fb.DocumentAddProblem(w.Builder, problem)
	w.link(fb.DocumentAddOptions, options)
	w.link(fb.DocumentAddState, state)
	w.link(fb.DocumentAddResult, result)
	w.FinishWithFileIdentifier(fb.DocumentEnd(w.Builder), []byte(identifier))
	return w.FinishedBytes()
}

// writer writes parts and returns their offsets, 0 for what is absent.
type writer struct{ *flatbuffers.Builder }

type offset = flatbuffers.UOffsetT

// link adds an optional part to the table being written.
func (w writer) link(add func(*flatbuffers.Builder, offset), part offset) {
	if part != 0 {
		add(w.Builder, part)
	}
}

func (w writer) doubles(values []float64) offset {
	if values == nil {
		return 0
	}
	w.StartVector(8, len(values), 8)
	for i := len(values) - 1; i >= 0; i-- {
		w.PrependFloat64(values[i])
	}
	return w.EndVector(len(values))
}

func (w writer) longs(values []int64) offset {
	if values == nil {
		return 0
	}
	w.StartVector(8, len(values), 8)
	for i := len(values) - 1; i >= 0; i-- {
		w.PrependInt64(values[i])
	}
	return w.EndVector(len(values))
}

func (w writer) bytes(values []byte) offset {
	if values == nil {
		return 0
	}
	return w.CreateByteVector(values)
}

// text writes a string, 0 for "".
func (w writer) text(s string) offset {
	if s == "" {
		return 0
	}
	return w.CreateString(s)
}

// tables writes a vector of tables.
func (w writer) tables(parts []offset) offset { return w.CreateVectorOfTables(parts) }

func (w writer) problem(p *Problem) offset {
	wire, device := w.wire(p), w.device(p.Device)
	target, weights, loss := w.doubles(p.Target), w.doubles(p.Weights), w.text(p.Loss.Name)
	sites, gaussians, gates := w.sites(p.Sites), w.gaussians(p.Gaussians), w.gates(p.Gates)
	directions, curves := w.directions(p.Directions), w.longs(p.Curves)
	background, lower, upper := w.doubles(p.Background), w.doubles(p.Lower), w.doubles(p.Upper)
	frozen, ties, mirror := w.bytes(p.Frozen), w.longs(p.Ties), w.text(p.Mirror)
	var regularizers offset
	if p.Smoothness != 0 {
		name := w.CreateString("smoothness")
		fb.RegularizerStart(w.Builder)
		fb.RegularizerAddName(w.Builder, name)
		fb.RegularizerAddWeight(w.Builder, p.Smoothness)
		regularizers = w.tables([]offset{fb.RegularizerEnd(w.Builder)})
	}
	fb.ProblemStart(w.Builder)
	w.link(fb.ProblemAddWire, wire)
	fb.ProblemAddTarget(w.Builder, target)
	w.link(fb.ProblemAddWeights, weights)
	w.link(fb.ProblemAddLoss, loss)
	fb.ProblemAddLossScale(w.Builder, p.Loss.Scale)
	w.link(fb.ProblemAddSites, sites)
	w.link(fb.ProblemAddGaussians, gaussians)
	w.link(fb.ProblemAddGates, gates)
	w.link(fb.ProblemAddBackground, background)
	w.link(fb.ProblemAddLower, lower)
	w.link(fb.ProblemAddUpper, upper)
	w.link(fb.ProblemAddFrozen, frozen)
	w.link(fb.ProblemAddTies, ties)
	w.link(fb.ProblemAddMirror, mirror)
	fb.ProblemAddFilter(w.Builder, p.Filter)
	w.link(fb.ProblemAddRegularizers, regularizers)
	w.link(fb.ProblemAddDevice, device)
	w.link(fb.ProblemAddCurves, curves)
	w.link(fb.ProblemAddDirections, directions)
	return fb.ProblemEnd(w.Builder)
}

// wire writes the wire of a problem, 0 if it is of a device.
func (w writer) wire(p *Problem) offset {
	if p.Device != nil {
		return 0
	}
	strip := &p.Wire
	fields, energies, backend := w.doubles(strip.Fields), w.doubles(strip.Energies), w.text(p.Backend)
	fb.WireStart(w.Builder)
	fb.WireAddLength(w.Builder, int64(strip.Length))
	fb.WireAddWidth(w.Builder, int64(strip.Width))
	fb.WireAddHopping(w.Builder, strip.Hopping)
	fb.WireAddLeadOnsite(w.Builder, strip.LeadOnsite)
	fb.WireAddFields(w.Builder, fields)
	fb.WireAddEnergies(w.Builder, energies)
	w.link(fb.WireAddBackend, backend)
	return fb.WireEnd(w.Builder)
}

func (w writer) sites(s *Sites) offset {
	if s == nil {
		return 0
	}
	start := w.doubles(s.Start)
	fb.SitesStart(w.Builder)
	fb.SitesAddStart(w.Builder, start)
	return fb.SitesEnd(w.Builder)
}

func (w writer) gaussians(g *Gaussians) offset {
	if g == nil {
		return 0
	}
	x, y, amplitude, radius := w.doubles(g.X), w.doubles(g.Y), w.doubles(g.Amplitude), w.doubles(g.Radius)
	fb.GaussiansStart(w.Builder)
	fb.GaussiansAddX(w.Builder, x)
	fb.GaussiansAddY(w.Builder, y)
	fb.GaussiansAddAmplitude(w.Builder, amplitude)
	fb.GaussiansAddRadius(w.Builder, radius)
	fb.GaussiansAddFree(w.Builder, g.Free)
	return fb.GaussiansEnd(w.Builder)
}

func (w writer) gates(g *Gates) offset {
	if g == nil {
		return 0
	}
	basis, volts := w.doubles(g.Basis), w.doubles(g.Volts)
	fb.GatesStart(w.Builder)
	fb.GatesAddBasis(w.Builder, basis)
	fb.GatesAddVolts(w.Builder, volts)
	return fb.GatesEnd(w.Builder)
}

// complexes writes complex numbers as two elements each.
func (w writer) complexes(values []complex128) offset {
	if values == nil {
		return 0
	}
	w.StartVector(8, 2*len(values), 8)
	for i := len(values) - 1; i >= 0; i-- {
		w.PrependFloat64(imag(values[i]))
		w.PrependFloat64(real(values[i]))
	}
	return w.EndVector(2 * len(values))
}

func (w writer) device(d *Device) offset {
	if d == nil {
		return 0
	}
	parts := make([]offset, len(d.Leads))
	for i := range d.Leads {
		parts[i] = w.lead(&d.Leads[i])
	}
	l := &d.Lattice
	rows, cols, values := w.longs(wide(l.Rows)), w.longs(wide(l.Cols)), w.complexes(l.Values)
	energies, positions, leads := w.doubles(l.Energies), w.doubles(l.Positions), w.tables(parts)
	fb.DeviceStart(w.Builder)
	fb.DeviceAddOrbitals(w.Builder, int64(l.Orbitals))
	fb.DeviceAddRows(w.Builder, rows)
	fb.DeviceAddCols(w.Builder, cols)
	fb.DeviceAddValues(w.Builder, values)
	fb.DeviceAddEnergies(w.Builder, energies)
	w.link(fb.DeviceAddPositions, positions)
	fb.DeviceAddDimensions(w.Builder, int64(l.Dimensions))
	if l.NonHermitian {
		fb.DeviceAddNonHermitian(w.Builder, 1)
	}
	fb.DeviceAddLeads(w.Builder, leads)
	return fb.DeviceEnd(w.Builder)
}

func (w writer) lead(l *Lead) offset {
	touched, cell, hopping, sigma := w.longs(l.Interface), w.complexes(l.Cell), w.complexes(l.Hopping), w.complexes(l.Sigma)
	modes, injection, extraction, direct := w.longs(l.Modes), w.complexes(l.Injection), w.complexes(l.Extraction), w.complexes(l.Direct)
	fb.LeadStart(w.Builder)
	fb.LeadAddInterface(w.Builder, touched)
	fb.LeadAddOrbitals(w.Builder, int64(l.Orbitals))
	w.link(fb.LeadAddCell, cell)
	w.link(fb.LeadAddHopping, hopping)
	w.link(fb.LeadAddSigma, sigma)
	w.link(fb.LeadAddModes, modes)
	w.link(fb.LeadAddInjection, injection)
	w.link(fb.LeadAddExtraction, extraction)
	w.link(fb.LeadAddDirect, direct)
	return fb.LeadEnd(w.Builder)
}

func (w writer) directions(d *Directions) offset {
	if d == nil {
		return 0
	}
	list := []int64{0}
	var entries []int64
	for i := range d.Directions {
		entries = append(entries, wide(d.Directions[i].Entries)...)
		list = append(list, int64(len(entries)))
	}
	first, all, values := w.longs(list), w.longs(entries), w.complexes(joined(d.Directions))
	start, names := w.doubles(d.Start), w.text(strings.Join(d.Names, "\n"))
	fb.DirectionsStart(w.Builder)
	fb.DirectionsAddFirst(w.Builder, first)
	fb.DirectionsAddEntries(w.Builder, all)
	fb.DirectionsAddValues(w.Builder, values)
	fb.DirectionsAddStart(w.Builder, start)
	w.link(fb.DirectionsAddNames, names)
	return fb.DirectionsEnd(w.Builder)
}

func wide(values []int) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = int64(v)
	}
	return out
}

func (w writer) options(o *inverse.DesignOptions) offset {
	if o == nil {
		return 0
	}
	var steps []int64
	var factors []float64
	for _, s := range o.Schedule {
		steps, factors = append(steps, int64(s.Step)), append(factors, s.Factor)
	}
	method, stepsAt, factorsAt := w.CreateString(o.Method), w.longs(steps), w.doubles(factors)
	fb.OptionsStart(w.Builder)
	fb.OptionsAddMethod(w.Builder, method)
	fb.OptionsAddLearningRate(w.Builder, o.LearningRate)
	w.link(fb.OptionsAddScheduleSteps, stepsAt)
	w.link(fb.OptionsAddScheduleFactors, factorsAt)
	fb.OptionsAddMaxEvaluations(w.Builder, int64(o.MaxEvaluations))
	fb.OptionsAddMaxIterations(w.Builder, int64(o.MaxIterations))
	fb.OptionsAddTimeLimit(w.Builder, o.MaxSeconds)
	fb.OptionsAddStopObjective(w.Builder, o.StopObjective)
	fb.OptionsAddStepTolerance(w.Builder, o.StepTolerance)
	fb.OptionsAddGradientTolerance(w.Builder, o.GradientTolerance)
	fb.OptionsAddStallIterations(w.Builder, int64(o.StallIterations))
	fb.OptionsAddStallTolerance(w.Builder, o.StallTolerance)
	fb.OptionsAddStarts(w.Builder, int64(o.Starts))
	fb.OptionsAddSpread(w.Builder, o.Spread)
	fb.OptionsAddDistinct(w.Builder, o.Distinct)
	fb.OptionsAddSeed(w.Builder, o.Seed)
	return fb.OptionsEnd(w.Builder)
}

func (w writer) state(s *inverse.RunState) offset {
	if s == nil {
		return 0
	}
	var finished offset
	if len(s.Finished) > 0 {
		parts := make([]offset, len(s.Finished))
		for i := range s.Finished {
			parts[i] = w.finishedStart(&s.Finished[i])
		}
		finished = w.tables(parts)
	}
	current := w.minimization(s.Current)
	var beside offset
	if len(s.Beside) > 0 {
		parts := make([]offset, len(s.Beside))
		for i, other := range s.Beside {
			parts[i] = w.minimization(other)
		}
		beside = w.tables(parts)
	}
	fb.StateStart(w.Builder)
	w.link(fb.StateAddFinished, finished)
	w.link(fb.StateAddCurrent, current)
	w.link(fb.StateAddBeside, beside)
	return fb.StateEnd(w.Builder)
}

func (w writer) finishedStart(f *inverse.FinishedStart) offset {
	parameters, status, message := w.doubles(f.Parameters), w.CreateString(f.Status.String()), w.text(f.Message)
	conductance, history, evaluations := w.doubles(f.Conductance), w.doubles(f.History), w.longs(f.HistoryEvaluations)
	fb.FinishedStartStart(w.Builder)
	fb.FinishedStartAddParameters(w.Builder, parameters)
	fb.FinishedStartAddObjective(w.Builder, f.Objective)
	fb.FinishedStartAddStatus(w.Builder, status)
	w.link(fb.FinishedStartAddMessage, message)
	fb.FinishedStartAddEvaluations(w.Builder, f.Evaluations)
	fb.FinishedStartAddSeconds(w.Builder, f.Seconds)
	fb.FinishedStartAddConductance(w.Builder, conductance)
	w.link(fb.FinishedStartAddHistory, history)
	w.link(fb.FinishedStartAddHistoryEvaluations, evaluations)
	return fb.FinishedStartEnd(w.Builder)
}

func (w writer) minimization(s *optimize.State) offset {
	if s == nil {
		return 0
	}
	method, scalars, vectors := w.CreateString(s.Method), w.doubles(s.Scalars), w.doubles(s.Vectors)
	point, best := w.doubles(s.Point), w.doubles(s.Best)
	history, evaluations := w.doubles(s.History), w.longs(s.HistoryEvaluations)
	fb.MinimizationStart(w.Builder)
	fb.MinimizationAddMethod(w.Builder, method)
	w.link(fb.MinimizationAddScalars, scalars)
	w.link(fb.MinimizationAddVectors, vectors)
	fb.MinimizationAddIteration(w.Builder, s.Iteration)
	fb.MinimizationAddEvaluations(w.Builder, s.Evaluations)
	fb.MinimizationAddSeconds(w.Builder, s.Seconds)
	fb.MinimizationAddPoint(w.Builder, point)
	fb.MinimizationAddBest(w.Builder, best)
	fb.MinimizationAddBestObjective(w.Builder, s.BestObjective)
	fb.MinimizationAddStepNorm(w.Builder, s.StepNorm)
	w.link(fb.MinimizationAddHistory, history)
	w.link(fb.MinimizationAddHistoryEvaluations, evaluations)
	return fb.MinimizationEnd(w.Builder)
}

func (w writer) outcomes(r *Result) offset {
	if r == nil {
		return 0
	}
	parts := make([]offset, len(r.Outcomes))
	for i := range r.Outcomes {
		parts[i] = w.outcome(&r.Outcomes[i])
	}
	return w.tables(parts)
}

func (w writer) result(r *Result, outcomes offset) offset {
	if r == nil {
		return 0
	}
	backend := w.text(r.Backend)
	fb.ResultStart(w.Builder)
	fb.ResultAddOutcomes(w.Builder, outcomes)
	fb.ResultAddEvaluations(w.Builder, int64(r.Evaluations))
	fb.ResultAddSeconds(w.Builder, r.Seconds)
	w.link(fb.ResultAddBackend, backend)
	return fb.ResultEnd(w.Builder)
}

func (w writer) outcome(o *Outcome) offset {
	status, message := w.CreateString(o.Status.String()), w.text(o.Message)
	parameters, entries, errors := w.doubles(o.Theta), w.doubles(o.Parameters), w.doubles(o.Errors)
	onsite, conductance := w.doubles(o.Onsite), w.doubles(o.Conductance)
	history, evaluations, roughness := w.doubles(o.History), w.longs(o.HistoryEvaluations), w.doubles(o.Roughness)
	fb.OutcomeStart(w.Builder)
	fb.OutcomeAddStart(w.Builder, int64(o.Start))
	fb.OutcomeAddStatus(w.Builder, status)
	w.link(fb.OutcomeAddMessage, message)
	fb.OutcomeAddParameters(w.Builder, parameters)
	fb.OutcomeAddEntries(w.Builder, entries)
	w.link(fb.OutcomeAddErrors, errors)
	fb.OutcomeAddOnsite(w.Builder, onsite)
	fb.OutcomeAddConductance(w.Builder, conductance)
	fb.OutcomeAddObjective(w.Builder, o.Objective)
	fb.OutcomeAddEvaluations(w.Builder, int64(o.Evaluations))
	fb.OutcomeAddSeconds(w.Builder, o.Seconds)
	w.link(fb.OutcomeAddHistory, history)
	w.link(fb.OutcomeAddHistoryEvaluations, evaluations)
	w.link(fb.OutcomeAddRoughness, roughness)
	return fb.OutcomeEnd(w.Builder)
}
