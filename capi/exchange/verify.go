package exchange

import (
	"encoding/binary"
	"math"

	"mcd/core/fault"
)

// identifier is the file_identifier of the schema.
const identifier = "MCD1"

// maxTables bounds the tables of one buffer, as the C++ verifier does.
const maxTables = 1_000_000

// kind is how a field of a table is stored.
type kind int

const (
	scalar  kind = iota // of size bytes, inside the table
	vector              // of elements of size bytes
	text                // a string
	child               // a table
	several             // a vector of tables
)

// field describes one field of a table of the schema; fields are numbered in the order of the schema.
type field struct {
	kind     kind
	size     int
	required bool
	table    []field
}

var (
	double   = field{kind: scalar, size: 8}
	long     = field{kind: scalar, size: 8}
	word     = field{kind: scalar, size: 4}
	octet    = field{kind: scalar, size: 1}
	doubles  = field{kind: vector, size: 8}
	longs    = field{kind: vector, size: 8}
	octets   = field{kind: vector, size: 1}
	optional = field{kind: text}
)

func required(f field) field { f.required = true; return f }

func one(table []field) field { return field{kind: child, table: table} }

func many(table []field) field { return field{kind: several, table: table} }

// The tables of mcd.fbs. The schema has no recursion, so no buffer can nest deeper than it.
var (
	wireTable      = []field{long, long, double, double, required(doubles), required(doubles), optional}
	sitesTable     = []field{required(doubles)}
	gaussianTable  = []field{required(doubles), required(doubles), required(doubles), required(doubles), word}
	gatesTable     = []field{required(doubles), required(doubles)}
	penaltyTable   = []field{required(optional), double}
	leadTable      = []field{required(longs), long, doubles, doubles, doubles, longs, doubles, doubles, doubles}
	deviceTable    = []field{long, required(longs), required(longs), required(doubles), required(doubles), doubles, long, octet, required(many(leadTable))}
	directionTable = []field{required(longs), required(longs), required(doubles), required(doubles), optional}
	problemTable   = []field{one(wireTable), required(doubles), doubles, optional, double, one(sitesTable), one(gaussianTable), one(gatesTable), doubles, doubles, doubles, octets, longs, optional, double, many(penaltyTable), one(deviceTable), longs, one(directionTable)}
	optionsTable   = []field{required(optional), double, longs, doubles, long, long, double, double, double, double, long, double, long, double, double, long}
	minimization   = []field{required(optional), doubles, doubles, long, long, double, required(doubles), required(doubles), double, double, doubles, longs}
	finishedTable  = []field{required(doubles), double, required(optional), optional, long, double, required(doubles), doubles, longs}
	stateTable     = []field{many(finishedTable), one(minimization), many(minimization)}
	outcomeTable   = []field{long, required(optional), optional, required(doubles), required(doubles), doubles, required(doubles), required(doubles), double, long, double, doubles, longs, doubles}
	resultTable    = []field{required(many(outcomeTable)), long, double, optional}
	documentSchema = []field{required(one(problemTable)), one(optionsTable), one(stateTable), one(resultTable)}
)

// verify checks that every offset of an untrusted buffer stays inside it, by the rules of the C++ verifier, so that the
// generated accessors can read it: the Go library has no verifier, and panics or loops on damaged buffers. Beyond those
// rules, what is referred to must not be larger in total than the buffer itself: shared parts would let a small buffer
// unfold to a huge one.
func verify(b []byte) error {
	v := verifier{buffer: b}
	if len(b) >= math.MaxInt32 {
		return damaged("%d bytes are more than a buffer may have", len(b))
	}
	if len(b) < 8 || string(b[4:8]) != identifier {
		return damaged("it does not begin as mcd's data do; give bytes written by mcd")
	}
	root, ok := v.follow(0)
	if !ok || !v.table(root, documentSchema) {
		return damaged("an offset points outside the buffer or a required part is missing")
	}
	if v.total > len(b) {
		return damaged("parts of it overlap")
	}
	return nil
}

func damaged(format string, values ...any) error {
	return fault.New(fault.File, "the data are damaged: "+format, values...)
}

type verifier struct {
	buffer []byte
	tables int
	total  int // bytes of all vectors and strings visited
}

// inside tells whether n bytes from at on lie in the buffer and at is a multiple of align.
func (v *verifier) inside(at, n, align int) bool {
	return at >= 0 && n <= len(v.buffer) && at <= len(v.buffer)-n && at%align == 0
}

func (v *verifier) word(at int) int { return int(binary.LittleEndian.Uint32(v.buffer[at:])) }

func (v *verifier) half(at int) int { return int(binary.LittleEndian.Uint16(v.buffer[at:])) }

// follow returns where the offset stored at at leads.
func (v *verifier) follow(at int) (int, bool) {
	if !v.inside(at, 4, 4) {
		return 0, false
	}
	offset := v.word(at)
	return at + offset, offset != 0 && offset <= math.MaxInt32 && v.inside(at+offset, 1, 1)
}

func (v *verifier) table(at int, fields []field) bool {
	if v.tables++; v.tables > maxTables || !v.inside(at, 4, 4) {
		return false
	}
	vtable := at - int(int32(v.word(at)))
	if !v.inside(vtable, 2, 2) {
		return false
	}
	size := v.half(vtable)
	if size%2 != 0 || !v.inside(vtable, size, 2) {
		return false
	}
	for i, f := range fields {
		offset := 0
		if slot := 4 + 2*i; slot+2 <= size {
			offset = v.half(vtable + slot)
		}
		if offset == 0 {
			if f.required {
				return false
			}
			continue
		}
		if !v.field(at+offset, f) {
			return false
		}
	}
	return true
}

func (v *verifier) field(at int, f field) bool {
	if f.kind == scalar {
		return v.inside(at, f.size, f.size)
	}
	to, ok := v.follow(at)
	if !ok {
		return false
	}
	switch f.kind {
	case vector:
		_, ok = v.vector(to, f.size)
	case text:
		var n int
		n, ok = v.vector(to, 1)
		ok = ok && v.inside(to+4+n, 1, 1) && v.buffer[to+4+n] == 0
	case child:
		ok = v.table(to, f.table)
	case several:
		var n int
		n, ok = v.vector(to, 4)
		for i := 0; ok && i < n; i++ {
			var item int
			if item, ok = v.follow(to + 4 + 4*i); ok {
				ok = v.table(item, f.table)
			}
		}
	}
	return ok
}

// vector returns the length of the vector at at, whose elements have size bytes.
func (v *verifier) vector(at, size int) (int, bool) {
	if !v.inside(at, 4, 4) {
		return 0, false
	}
	n := v.word(at)
	v.total += n * size
	return n, v.inside(at+4, n*size, 1)
}
