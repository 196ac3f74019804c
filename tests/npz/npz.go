// Package npz reads NumPy's .npz archives (zip files of .npy arrays) in tests: float64, complex128, int64, int32 and bool, little
// endian, C or Fortran order, stored or deflated. Every array comes back in C order.
package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// Array is one array: its shape (empty for a scalar) and, by its type, one of the three slices in C order.
type Array struct {
	Shape   []int
	Float   []float64
	Complex []complex128
	Int     []int // integers and bools (0 or 1)
}

// Len returns the number of elements.
func (a *Array) Len() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// File holds the arrays of one archive by name, without the ".npy".
type File map[string]*Array

// Open reads a whole archive.
func Open(path string) (File, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f := File{}
	for _, member := range z.File {
		name, isArray := strings.CutSuffix(member.Name, ".npy")
		if !isArray {
			continue
		}
		a, err := readMember(member)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, member.Name, err)
		}
		f[name] = a
	}
	return f, nil
}

// Load is Open for tests: an archive that cannot be read fails the test.
func Load(t testing.TB, path string) File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Names returns the names of all arrays, sorted.
func (f File) Names() []string {
	var names []string
	for name := range f {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Has tells whether the archive holds an array of this name.
func (f File) Has(name string) bool { return f[name] != nil }

// Array returns an array; a missing one panics with the names there are, which fails the test.
func (f File) Array(name string) *Array {
	if a := f[name]; a != nil {
		return a
	}
	panic(fmt.Sprintf("no array %q; there are %v", name, f.Names()))
}

// Shape returns the shape of an array.
func (f File) Shape(name string) []int { return f.Array(name).Shape }

// Float64s returns the elements of a real array; integers are converted.
func (f File) Float64s(name string) []float64 {
	a := f.Array(name)
	switch {
	case a.Float != nil:
		return a.Float
	case a.Int != nil:
		x := make([]float64, len(a.Int))
		for i, v := range a.Int {
			x[i] = float64(v)
		}
		return x
	}
	panic(fmt.Sprintf("array %q is complex", name))
}

// Complex128s returns the elements of an array of any type as complex numbers.
func (f File) Complex128s(name string) []complex128 {
	if a := f.Array(name); a.Complex != nil {
		return a.Complex
	}
	x := f.Float64s(name)
	z := make([]complex128, len(x))
	for i, v := range x {
		z[i] = complex(v, 0)
	}
	return z
}

// Ints returns the elements of an array of integers or bools.
func (f File) Ints(name string) []int {
	a := f.Array(name)
	if a.Int == nil {
		panic(fmt.Sprintf("array %q does not hold integers", name))
	}
	return a.Int
}

// Float64 returns a real scalar (or the only element of an array).
func (f File) Float64(name string) float64 { return f.Float64s(name)[0] }

// Int returns an integer scalar (or the only element of an array).
func (f File) Int(name string) int { return f.Ints(name)[0] }

var header = regexp.MustCompile(`'descr':\s*'([^']+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([^)]*)\)`)

func readMember(member *zip.File) (*Array, error) {
	r, err := member.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return Parse(raw)
}

// Parse reads one .npy file (format versions 1 to 3).
func Parse(raw []byte) (*Array, error) {
	if len(raw) < 12 || !bytes.HasPrefix(raw, []byte("\x93NUMPY")) {
		return nil, fmt.Errorf("not an .npy file")
	}
	start, n := 10, int(binary.LittleEndian.Uint16(raw[8:]))
	if raw[6] > 1 {
		start, n = 12, int(binary.LittleEndian.Uint32(raw[8:]))
	}
	if len(raw) < start+n {
		return nil, fmt.Errorf("the header is cut off")
	}
	m := header.FindSubmatch(raw[start : start+n])
	if m == nil {
		return nil, fmt.Errorf("header %q is not understood", raw[start:start+n])
	}
	a := &Array{Shape: []int{}}
	for _, s := range strings.Split(string(m[3]), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		a.Shape = append(a.Shape, d)
	}
	order := cOrder(a.Shape)
	if string(m[2]) == "True" {
		order = fortranOrder(a.Shape)
	}
	return a, a.decode(string(m[1]), raw[start+n:], order)
}

// cOrder returns at which place in the file every element lies, in C order, for a file in C order.
func cOrder(shape []int) []int {
	order := make([]int, (&Array{Shape: shape}).Len())
	for i := range order {
		order[i] = i
	}
	return order
}

// fortranOrder does the same for a file in Fortran order.
func fortranOrder(shape []int) []int {
	order := make([]int, (&Array{Shape: shape}).Len())
	for i := range order {
		rest, place := i, 0
		index := make([]int, len(shape))
		for d := len(shape) - 1; d >= 0; d-- {
			index[d], rest = rest%shape[d], rest/shape[d]
		}
		for d := len(shape) - 1; d >= 0; d-- {
			place = place*shape[d] + index[d]
		}
		order[i] = place
	}
	return order
}

func (a *Array) decode(kind string, data []byte, order []int) error {
	size := map[string]int{"<f8": 8, "<c16": 16, "<i8": 8, "<i4": 4, "|b1": 1}[kind]
	if size == 0 {
		return fmt.Errorf("type %q is not supported", kind)
	}
	if len(data) != size*len(order) {
		return fmt.Errorf("%d bytes for %d elements of type %s", len(data), len(order), kind)
	}
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(data[at:]) }
	switch kind {
	case "<f8":
		a.Float = make([]float64, len(order))
		for i, o := range order {
			a.Float[i] = math.Float64frombits(word(8 * o))
		}
	case "<c16":
		a.Complex = make([]complex128, len(order))
		for i, o := range order {
			a.Complex[i] = complex(math.Float64frombits(word(16*o)), math.Float64frombits(word(16*o+8)))
		}
	default:
		a.Int = make([]int, len(order))
		for i, o := range order {
			switch kind {
			case "<i8":
				a.Int[i] = int(int64(word(8 * o)))
			case "<i4":
				a.Int[i] = int(int32(binary.LittleEndian.Uint32(data[4*o:])))
			case "|b1":
				a.Int[i] = int(data[o])
			}
		}
	}
	return nil
}
