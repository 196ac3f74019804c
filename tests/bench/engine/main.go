// Command engine is the engine without the binding, for what the binding does not show: the kernels one by one, and the
// potentials that a run of Levenberg–Marquardt asks for. PROBLEM is an .npz with length, width, fields and energy, ONSITE an
// .npy with on-site energies.
//
//	engine serve PROBLEM                                 answers the driver's commands, see peers/serve.py
//	engine path PROBLEM ONSITE TARGET EVALUATIONS OUT    writes the potentials of a run, raw doubles, to OUT
package main

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mcd/adjoint"
	"mcd/core/inverse"
	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/tests/npz"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	case len(os.Args) == 7 && os.Args[1] == "path":
		err = path(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6])
	default:
		err = errors.New("usage: see the comment of the program")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// problem reads the strip.
func problem(name string) (lattice.Strip, error) {
	f, err := npz.Open(name)
	if err != nil {
		return lattice.Strip{}, err
	}
	s := lattice.Strip{Length: f["length"].Int[0], Width: f["width"].Int[0], Hopping: 1, LeadOnsite: 4, Fields: f["fields"].Float}
	s.Energies = slices.Repeat(f["energy"].Float, len(s.Fields))
	return s, nil
}

// values reads an .npy of n doubles.
func values(name string, n int) ([]float64, error) {
	data, err := os.ReadFile(name)
	if err != nil || len(data) < 8*n {
		return nil, fmt.Errorf("%s: %d bytes for %d values: %v", name, len(data), n, err)
	}
	v := make([]float64, n)
	_, err = binary.Decode(data[len(data)-8*n:], binary.LittleEndian, v)
	return v, err
}

// ---- The path of a run ----

// recorder is an engine that remembers where it was asked for a Jacobian.
type recorder struct {
	*adjoint.Wire
	points []float64
}

func (r *recorder) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	r.points = append(r.points, onsite...)
	return r.Wire.Jacobian(ctx, onsite, g, jac)
}

func path(problemName, onsiteName, targetName, evaluations, out string) error {
	strip, err := problem(problemName)
	if err != nil {
		return err
	}
	onsite, err := values(onsiteName, strip.Sites())
	if err != nil {
		return err
	}
	target, err := values(targetName, strip.Points())
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(evaluations)
	if err != nil {
		return err
	}
	wire, err := adjoint.NewWire(strip, adjoint.Options{})
	if err != nil {
		return err
	}
	defer wire.Close()
	sites, err := inverse.Sites{Length: strip.Length, Width: strip.Width, Start: onsite}.Build()
	if err != nil {
		return err
	}
	r := &recorder{Wire: wire}
	p, err := inverse.NewProblem(inverse.Setup{Engine: r, Strip: &strip, Target: target, Parametrization: sites})
	if err != nil {
		return err
	}
	o := inverse.DefaultDesign("lm")
	o.MaxEvaluations, o.StopObjective = n, math.Inf(-1)
	if _, err := inverse.Design(context.Background(), p, o); err != nil {
		return err
	}
	data, err := binary.Append(nil, binary.LittleEndian, r.points)
	if err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o644)
}

// ---- The kernels, one sample at a time ----

// worker holds a wire for every kernel and number of threads.
type worker struct {
	strip  lattice.Strip
	names  []string
	wires  map[string]*adjoint.Wire
	g, jac []float64
}

type command struct {
	Do, Case, Onsite, Result string
	Seconds                  float64
}

func serve(name string) error {
	strip, err := problem(name)
	if err != nil {
		return err
	}
	w := &worker{strip: strip, wires: map[string]*adjoint.Wire{}, g: make([]float64, strip.Points()), jac: make([]float64, strip.Points()*strip.Sites())}
	for _, k := range kernel.All()[1:] {
		for _, threads := range slices.Compact([]int{1, runtime.NumCPU()}) {
			wire, err := adjoint.NewWire(strip, adjoint.Options{Threads: threads, Kernel: k.Name()})
			if err != nil {
				return err
			}
			name := fmt.Sprintf("mcd Jacobian by %s, %d thread%s", k.Name(), threads, map[bool]string{true: "s"}[threads > 1])
			w.names, w.wires[name] = append(w.names, name), wire
		}
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]any{"versions": map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}, "cases": w.names, "operations": map[string]float64{}}); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		answer, err := w.answer(c)
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) answer(c command) (any, error) {
	onsite, err := values(c.Onsite, w.strip.Sites())
	if err != nil {
		return nil, err
	}
	call := func() error { return w.wires[c.Case].Jacobian(context.Background(), onsite, w.g, w.jac) }
	if c.Do == "check" {
		if err := call(); err != nil {
			return nil, err
		}
		return map[string]bool{"done": true}, w.save(c.Result)
	}
	return repeat(call, c.Seconds)
}

// repeat is the repeat of serve.py.
func repeat(call func() error, seconds float64) (map[string]float64, error) {
	began := processorTime()
	timed := func() (wall, cpu float64, err error) {
		begin, used := time.Now(), processorTime()
		err = call()
		return time.Since(begin).Seconds(), processorTime() - used, err
	}
	once, _, err := timed()
	n := max(1, int(math.Round(seconds/once)))
	best, walls, cpus := math.Inf(1), 0.0, 0.0
	for i := 0; i < n && err == nil; i++ {
		var wall, cpu float64
		wall, cpu, err = timed()
		best, walls, cpus = min(best, wall), walls+wall, cpus+cpu
	}
	return map[string]float64{"wall": walls / float64(n), "cpu": cpus / float64(n), "best": best, "calls": float64(n), "used": processorTime() - began}, err
}

// processorTime returns the seconds that the process has run.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// save writes G and jacobian as an .npz.
func (w *worker) save(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	z := zip.NewWriter(file)
	for _, a := range []struct {
		name   string
		shape  []int
		values []float64
	}{{"G", []int{len(w.g)}, w.g}, {"jacobian", []int{len(w.g), w.strip.Length, w.strip.Width}, w.jac}} {
		member, err := z.Create(a.name + ".npy")
		if err == nil {
			err = writeArray(member, a.shape, a.values)
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// writeArray writes the .npy format, version 1.
func writeArray(out io.Writer, shape []int, values []float64) error {
	sizes := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]") + ","
	header := fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }", sizes)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	if _, err := fmt.Fprintf(out, "\x93NUMPY\x01\x00%c%c%s", len(header)&255, len(header)>>8, header); err != nil {
		return err
	}
	return binary.Write(out, binary.LittleEndian, values)
}
